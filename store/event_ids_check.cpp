#include "store/event_ids_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <daybook/event/error.hpp>

#include "store/event_ids.hpp"

namespace daybook {
namespace {

constexpr std::string_view table_code = "derived_event_ids";

}  // namespace

EventIdsCheck::EventIdsCheck(Verification& verification, const std::optional<RunLayout>& layout)
    : verification_(verification),
      table_can_be_read_(layout.has_value()),
      layout_(layout.value_or(RunLayout{})),
      find_(verification.connection(), find_id_sql),
      event_(verification.connection(), compare_id_sql) {}

// Damage in the table ends the comparison with it, not the verification of the log.
template <typename Part>
void EventIdsCheck::compare(Part part) {
    if (!table_can_be_read_) return;
    try {
        part();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;  // an error of the disk, or no memory, says nothing of the table
        table_can_be_read_ = false;
        verification_.problem(
            table_code, std::nullopt,
            fmt::format("event_ids cannot be read, and from here on ids that two events have are not looked for: {}",
                        error.what()));
    }
}

void EventIdsCheck::add(std::uint64_t seq, std::string_view id) {
    if (!table_can_be_read_) return;
    if (const std::uint64_t run = layout_.run_of(seq); run != run_) {
        compare([&] { end_run(); });
        run_ = run;
    }
    in_run_.emplace_back(id, seq);
}

// In the order of ids, as the table has them: its pages are read one after another.
void EventIdsCheck::end_run() {
    std::sort(in_run_.begin(), in_run_.end());
    const bool in_table = run_ && *run_ < layout_.complete;
    const IdAt* before = nullptr;
    for (const IdAt& id : in_run_) {
        if (const IdAt* const same = std::exchange(before, &id); same != nullptr && same->first == id.first) {
            repeated(id.first, same->second, id.second);
            continue;
        }
        if (!in_table) {
            const auto [first, is_new] = behind_runs_.emplace(id.first, id.second);
            if (!is_new) {
                repeated(id.first, first->second, id.second);
                continue;
            }
        }
        compare_id(id, in_table);
    }
    in_run_.clear();
}

// A row of a run that is not complete may be there already.
void EventIdsCheck::compare_id(const IdAt& id, bool must_be_there) {
    const ResetGuard guard(find_);
    const IdKey key(id.first);
    key.bind(find_, 1);
    if (!find_.step()) {
        if (must_be_there)
            verification_.problem(table_code, id.second,
                                  fmt::format("event_ids lacks '{}', the id of event {}", id.first, id.second));
        return;
    }
    const std::uint64_t kept = find_.unsigned_integer(0);
    if (kept == id.second) {
        ++rows_;
    } else if (has_id(event_, Sequence{kept}, id.first)) {
        repeated(id.first, std::min(kept, id.second), std::max(kept, id.second));
    } else {
        ++rows_;
        verification_.problem(
            table_code, id.second,
            fmt::format("event_ids says that '{}' is the id of event {}; event {} has it", id.first, kept, id.second));
    }
}

void EventIdsCheck::repeated(std::string_view id, std::uint64_t seq, std::uint64_t later_seq) {
    verification_.problem("event_id_repeated", later_seq,
                          fmt::format("events {} and {} have one id, '{}'", seq, later_seq, id));
}

void EventIdsCheck::finish() {
    compare([this] {
        end_run();
        compare_count();
    });
}

void EventIdsCheck::compare_count() {
    Statement count(verification_.connection(), "SELECT count(*) FROM event_ids");
    if (!count.step() || count.unsigned_integer(0) == rows_) return;
    verification_.problem(
        table_code, std::nullopt,
        fmt::format("event_ids has {} rows, of which {} name an event's id", count.integer(0), rows_));
}

}  // namespace daybook
