// Where random bytes come from: ids, salts. Handed in, so that a test can repeat a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace daybook {

/// Thread-safety: implementations are safe from any thread.
class RandomSource {
  public:
    virtual ~RandomSource() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;
};

/// Cryptographically strong bytes of libcrypto's generator. Small draws are served from some that were drawn before, because
/// each call of the generator asks the system who it is; never from those of the parent in a child of fork().
class SystemRandom final : public RandomSource {
  public:
    void fill(std::span<std::byte> bytes) override;

  private:
    std::mutex mutex_;
    std::array<std::byte, 4096> drawn_;  // guarded by mutex_
    std::size_t drawn_left_ = 0;         // guarded by mutex_; bytes, at the front
    std::uint64_t drawn_in_ = 0;         // guarded by mutex_; which process
};

}  // namespace daybook
