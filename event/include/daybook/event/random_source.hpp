// Where random bytes come from: ids, salts. Handed in, so that a test can repeat a run.
#pragma once

#include <cstddef>
#include <span>

namespace daybook {

/// Thread-safety: implementations are safe from any thread.
class RandomSource {
  public:
    virtual ~RandomSource() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;
};

/// Cryptographically strong bytes of the system (libcrypto's generator; safe after fork).
class SystemRandom final : public RandomSource {
  public:
    void fill(std::span<std::byte> bytes) override;
};

}  // namespace daybook
