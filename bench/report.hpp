// What a run says: a table for people, JSON for machines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/row.hpp"

namespace daybook::bench {

/// What came of a row's goal.
enum class Verdict : std::uint8_t { met, missed, stated, skipped };

[[nodiscard]] Verdict verdict_of(const Measured& measured);
/// The regression guard: false when a row's value is below its guard.
[[nodiscard]] bool guard_holds(const Measured& measured);

/// The heading of the table, and one line of it.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Measured& measured);
/// One object: the machine and every row with all its samples.
[[nodiscard]] std::string to_json(std::string_view machine, const std::vector<Measured>& rows);

}  // namespace daybook::bench
