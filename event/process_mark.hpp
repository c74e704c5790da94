// Tells whether this is still the process that something was made in: getpid() without its system call, which costs a
// microsecond on some machines and would be asked with every event.
#pragma once

#include <cstdint>

namespace daybook {

/// Another number in a child of fork() than in its parent. A child made by clone(2) or _Fork() is not told apart.
/// Thread-safety: safe from any thread.
[[nodiscard]] std::uint64_t process_mark() noexcept;

}  // namespace daybook
