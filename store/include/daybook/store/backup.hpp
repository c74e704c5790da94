// A consistent copy of a log, taken while others write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include <daybook/event/position.hpp>
#include <daybook/store/store_options.hpp>

namespace daybook {

struct BackupOptions {
    StoreOptions store{.access = Access::read};
    bool replace = false;  ///< overwrite an existing target. Default: false
    std::function<void(std::uint64_t done_pages, std::uint64_t total_pages)> progress{};
};

/// Copies one snapshot of `path` to a temporary name beside `target`, verifies it, syncs it, and names it `target`.
/// Returns the copy's head. On failure nothing is left behind.
/// Throws Error: target_exists; unsupported_path - one of the log's own files; corrupt; disk_full; io_error; as open().
[[nodiscard]] Head backup(const std::filesystem::path& path, const std::filesystem::path& target,
                          BackupOptions options = {});

}  // namespace daybook
