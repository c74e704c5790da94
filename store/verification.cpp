#include "store/verification.hpp"

#include <algorithm>

#include <daybook/event/json_text.hpp>

namespace daybook {
namespace {

constexpr std::uint64_t rows_between_progress = 4'096;

}  // namespace

Verification::Verification(Connection& connection, const Uuid& store_id, VerifyReport& report,
                           const VerifyOptions& options)
    : connection_(connection), store_id_(store_id), report_(report), options_(options) {}

void Verification::problem(std::string_view code, std::optional<std::uint64_t> seq, std::string_view message) {
    ++report_.problems_total;
    if (report_.problems.size() >= options_.problems_max) return;
    // What is damaged is named, and need not be UTF-8.
    report_.problems.push_back({std::string(code), seq, replace_invalid_utf8(message)});
}

void Verification::row_read() {
    if (++rows_read_ % rows_between_progress == 0 && options_.progress)
        options_.progress(std::min(rows_read_, rows_total_), rows_total_);
}

void Verification::finish() {
    if (options_.progress) options_.progress(rows_total_, rows_total_);
}

}  // namespace daybook
