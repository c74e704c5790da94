// The rows of the bench, by what they are about.
#pragma once

#include <vector>

#include "bench/row.hpp"

namespace daybook::bench {

[[nodiscard]] std::vector<Row> emit_rows();
[[nodiscard]] std::vector<Row> bulk_rows();
[[nodiscard]] std::vector<Row> reading_rows();
[[nodiscard]] std::vector<Row> latency_rows();
[[nodiscard]] std::vector<Row> process_rows();

}  // namespace daybook::bench
