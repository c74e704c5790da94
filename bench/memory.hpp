// What a process that a row starts says about its own memory.
#pragma once

namespace daybook::bench {

/// The most that this process has had resident since it began, in megabytes of 2^20 bytes: VmHWM of /proc/self/status. Not
/// ru_maxrss, which starts a child with the peak of the parent that spawned it.
[[nodiscard]] double peak_resident_megabytes();

}  // namespace daybook::bench
