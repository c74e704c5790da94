// What processes have said before they were killed. The log must agree with all of it, for ever.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <daybook/event/position.hpp>

#include "processes/child_process.hpp"
#include "processes/workplace.hpp"

namespace daybook::processes {

/// The parent's; a child has it as it was at the fork. Thread-safety: one thread at a time.
class Oracle {
  public:
    struct Promise {
        std::uint64_t seq = 0;
        std::uint64_t version = 0;
        Digest digest{};
    };

    /// Empty, or how the report contradicts another.
    [[nodiscard]] std::string take(const Report& report);

    /// Of writer and number.
    [[nodiscard]] const std::map<std::pair<std::uint32_t, std::uint64_t>, Promise>& acknowledged() const {
        return acknowledged_;
    }
    /// By seq, whoever was shown it: a writer, a handler, a reader.
    [[nodiscard]] const std::map<std::uint64_t, Digest>& seen() const { return seen_; }
    [[nodiscard]] std::uint64_t last_seen() const { return seen_.empty() ? 0 : seen_.rbegin()->first; }
    [[nodiscard]] std::uint64_t last_acknowledged(std::uint32_t writer) const;
    [[nodiscard]] const std::set<Run>& runs() const { return runs_; }

  private:
    std::map<std::pair<std::uint32_t, std::uint64_t>, Promise> acknowledged_;
    std::map<std::uint64_t, Digest> seen_;
    std::set<Run> runs_;
};

}  // namespace daybook::processes
