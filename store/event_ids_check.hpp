// Looks for ids that two events have, and compares the table event_ids with the events as they pass by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/run_layout.hpp"
#include "store/text_map.hpp"
#include "store/verification.hpp"

namespace daybook {

/// Codes: event_id_repeated, derived_event_ids. Keeps the ids of one run in memory, and of all that are in no run.
/// Thread-safety: one thread at a time.
class EventIdsCheck {
  public:
    /// No layout: nothing is looked for.
    EventIdsCheck(Verification& verification, const std::optional<RunLayout>& layout);
    /// Events come in the order of seq.
    void add(std::uint64_t seq, std::string_view id);
    /// After the last event.
    void finish();

  private:
    using IdAt = std::pair<std::string, std::uint64_t>;

    template <typename Part>
    void compare(Part part);
    void end_run();
    void compare_id(const IdAt& id, bool must_be_there);
    void repeated(std::string_view id, std::uint64_t seq, std::uint64_t later_seq);
    void compare_count();

    Verification& verification_;
    bool table_can_be_read_;
    const RunLayout layout_;
    Statement find_, event_;
    std::vector<IdAt> in_run_;
    std::optional<std::uint64_t> run_;
    TextMap<std::uint64_t> behind_runs_;  // id → seq
    std::uint64_t rows_ = 0;              // that the table was seen to have
};

}  // namespace daybook
