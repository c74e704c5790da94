// UUIDs (RFC 9562): version 7 for new events, version 5 for names that must give the same id again.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace daybook {

class Clock;
class RandomSource;

struct Uuid {
    std::array<std::byte, 16> bytes{};
    auto operator<=>(const Uuid&) const = default;

    /// Lower case, with hyphens: 36 characters.
    [[nodiscard]] std::string to_string() const;
    /// Empty when `text` is not the 36-character form (either case).
    [[nodiscard]] static std::optional<Uuid> parse(std::string_view text) noexcept;
};

/// UUIDv5: SHA-1 of `name_space` and `name`. The same two give the same id everywhere.
[[nodiscard]] Uuid uuid_v5(const Uuid& name_space, std::string_view name);

/// A random UUID (version 4).
[[nodiscard]] Uuid uuid_v4(RandomSource& random);

/// Makes UUIDv7 that strictly increase within one generator, also when the clock stands or steps back.
/// Thread-safety: safe from any thread. Keeps references to both sources: they must outlive it.
class UuidV7Generator {
  public:
    UuidV7Generator(Clock& clock, RandomSource& random);
    [[nodiscard]] Uuid next();

  private:
    Clock& clock_;
    RandomSource& random_;
    std::mutex mutex_;
    std::uint64_t last_ms_ = 0;  // guarded by mutex_
    std::uint32_t counter_ = 0;  // guarded by mutex_
};

}  // namespace daybook
