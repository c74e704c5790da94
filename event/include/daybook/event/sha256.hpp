// SHA-256 of things fed piece by piece (libcrypto).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <daybook/event/position.hpp>

namespace daybook {

/// Thread-safety: one thread at a time. Reusable: finish() starts anew.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::span<const std::byte> bytes);
    void update(std::string_view text);
    [[nodiscard]] Digest finish();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Digest sha256(std::string_view text);

}  // namespace daybook
