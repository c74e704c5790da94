// What the rows share: where files go, how long to measure, and events that are the same on both sides of a ratio.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <daybook/event/event.hpp>

#include "bench/row.hpp"

namespace daybook::bench {

using Seconds = std::chrono::duration<double>;

class Setting {
  public:
    explicit Setting(bool quick) : quick_(quick) {}

    [[nodiscard]] bool is_quick() const noexcept { return quick_; }
    /// How long one side of a rate is measured.
    [[nodiscard]] Seconds time() const noexcept { return quick_ ? Seconds(0.5) : Seconds(2.0); }
    /// `full`, or a tenth of it in a quick run.
    [[nodiscard]] std::uint64_t count(std::uint64_t full) const noexcept { return quick_ ? full / 10 : full; }

    /// Both sides of one repetition, which take turns in going first.
    [[nodiscard]] Sample both(const std::function<double()>& ours, const std::function<double()>& limit);

  private:
    const bool quick_;
    bool ours_first_ = false;
};

/// Calls `body(thread)` on each of so many threads until the time is over; returns the calls a second, all together.
[[nodiscard]] double calls_per_second(std::size_t threads, Seconds time, const std::function<void(std::size_t)>& body);
/// How often `count` of something happens a second, if `body` does it all.
[[nodiscard]] double rate_of(std::uint64_t count, const std::function<void()>& body);
[[nodiscard]] Seconds time_of(const std::function<void()>& body);

/// Throws std::runtime_error: a figure without a right result is none.
void require(bool holds, std::string_view what);

/// 156 bytes of JSON: a pass in a football match.
inline constexpr std::string_view payload =
    R"({"match":2057954,"team":16521,"player":122671,"name":"Simple pass","period":"1H","second":1.656,)"
    R"("positions":[{"y":50,"x":50},{"y":53,"x":35}],"tags":[1801]})";

/// Streams at random, the same sequence in each run.
class StreamNames {
  public:
    explicit StreamNames(std::uint64_t streams, std::uint64_t seed = 1) : streams_(streams), state_(seed) {}
    [[nodiscard]] std::uint64_t next_number();
    [[nodiscard]] static std::string name(std::uint64_t number);

  private:
    std::uint64_t streams_;
    std::uint64_t state_;
};

/// The nth id of a producer whose ids are ordered, as UUIDv7 are; and of one whose ids are random.
[[nodiscard]] std::string ordered_id(std::uint64_t n);
[[nodiscard]] std::string random_id(std::uint64_t n);

}  // namespace daybook::bench
