// Watching one file by inotify, with polling of its status where inotify is not to be had.
#pragma once

#include <memory>
#include <string>

#include <daybook/event/file_system.hpp>

namespace daybook {

enum class WatchMethod : unsigned char { inotify, polling };

/// The file may be created, replaced or removed later. `polling` is for tests; it is also what is left when
/// the system has no inotify instance to give. Throws Error: io_error - no descriptor for interrupt().
[[nodiscard]] std::unique_ptr<FileWatch> watch_file(const std::string& path, WatchMethod method = WatchMethod::inotify);

}  // namespace daybook
