// `--param NAME=VALUE` of query: values to bind.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <daybook/store/sql_console.hpp>

namespace daybook::cli {

/// A value that is a whole number in its shortest form is bound as INTEGER, everything else as TEXT, so that
/// `seq > :n` compares numbers. Throws UsageError: no '=', or a name twice.
[[nodiscard]] std::map<std::string, SqlValue> sql_parameters_from(const std::vector<std::string>& texts);

}  // namespace daybook::cli
