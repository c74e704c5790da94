// The mark in the lock file: how far the log reached, kept outside the database, because SQLite cannot tell
// that a damaged -wal lost its tail (RULES §2). Only the encoding; LockFile reads and writes it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/position.hpp>

namespace daybook {

inline constexpr std::size_t mark_bytes = 112;

/// 8 bytes of magic, store_id, seq, digest, result_seq, result_digest, reserved zeros, CRC-32 of all before
/// it.
[[nodiscard]] std::string encode_mark(const Head& head);
/// Empty when `bytes` hold no whole mark.
[[nodiscard]] std::optional<Head> decode_mark(std::string_view bytes);

}  // namespace daybook
