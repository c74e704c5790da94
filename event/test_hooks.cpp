#include "event/test_hooks.hpp"

#ifdef DAYBOOK_TEST_HOOKS

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace daybook::test_hooks {

namespace {

// Process-wide on purpose: a point is reached by whatever object does the work.
std::array<std::atomic<int>, kill_points> armed{};
std::atomic<Bug> planted_bug{Bug::none};

constexpr std::array<std::string_view, kill_points> names{
    "before_begin",          "before_commit",        "after_commit",    "after_mark",       "before_ack",
    "before_checkpoint",     "after_checkpoint",     "file_created",    "before_migration", "after_migration",
    "opened_first",          "before_handler",       "after_handler",   "after_outcome",    "after_claim",
    "before_journal_append", "after_journal_append", "journal_renamed", "journal_created",  "before_close",
    "before_last_unlock",
};

}  // namespace

void arm(KillPoint point, int count) noexcept {
    armed[static_cast<std::size_t>(point)] = count;
}

void reached(KillPoint point) noexcept {
    std::atomic<int>& left = armed[static_cast<std::size_t>(point)];
    if (left.load(std::memory_order_relaxed) > 0 && left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

std::string_view to_string(KillPoint point) noexcept {
    return names[static_cast<std::size_t>(point)];
}

void plant(Bug bug) noexcept {
    planted_bug = bug;
}

bool planted(Bug bug) noexcept {
    return planted_bug.load(std::memory_order_relaxed) == bug;
}

}  // namespace daybook::test_hooks

#endif
