// The one exception type of Daybook, and its codes.
//
// A code says what went wrong; recovery() says what a caller can do about it. Codes are append-only:
// a number never changes its meaning. Outcomes that a correct program meets daily (version conflict,
// nothing found) are also offered as return values by the functions concerned.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace daybook {

enum class ErrorCode : std::uint16_t {
    // Input: fix, then retry. Nothing was written.
    invalid_argument = 100,     ///< an option or argument outside its limits
    invalid_json = 101,         ///< not JSON
    invalid_utf8 = 102,         ///< not UTF-8
    too_large = 103,            ///< an event, a name or a batch over its cap
    too_deep = 104,             ///< JSON nested deeper than the cap
    duplicate_key = 105,        ///< an object names a key twice
    number_out_of_range = 106,  ///< a JSON number beyond double range
    invalid_name = 107,         ///< type, id, stream, source, handler or bus name
    invalid_time = 108,
    invalid_pattern = 109,
    invalid_pointer = 110,  ///< a JSON Pointer that is malformed or finds nothing
    invalid_line = 111,     ///< a line of an import or a journal that cannot be read
    invalid_sql = 112,
    invalid_projection = 113,
    guard_refused = 114,  ///< a guard said no before the commit
    not_found = 115,
    time_limit = 116,      ///< a statement ran longer than it was allowed
    past_the_head = 117,   ///< a position that the log has not reached
    unknown_format = 118,  ///< input whose format cannot be told; say which it is

    // Conflict: read again and decide. Nothing was written.
    version_conflict = 200,
    idempotency_conflict = 201,
    history_diverged = 202,  ///< a kept position does not belong to this history
    checkpoint_conflict = 203,
    name_taken = 204,  ///< a handler, journal or import name that is in use for something else

    // Storage.
    no_such_file = 300,
    not_a_daybook = 301,
    schema_too_new = 302,
    schema_too_old = 303,    ///< reading needs a migration: open it for writing once
    unsupported_path = 304,  ///< `:memory:`, `file:`, a directory, a link with several names
    network_file_system = 305,
    permission_denied = 306,
    read_only = 307,
    busy = 308,
    disk_full = 309,  ///< nothing of this call was stored; the store goes on when there is room
    io_error = 310,
    corrupt = 311,
    commit_in_doubt = 312,  ///< the disk refused the commit: reopen, then append again with the same ids
    writes_refused = 313,   ///< an earlier I/O error: reopen the store
    log_behind_mark = 314,  ///< the log lost its tail since the mark in the lock file was written
    target_exists = 315,
    closed = 316,
    wrong_process = 317,  ///< used after fork()

    // Use of the library.
    reentrant_emit = 400,  ///< emit from a middleware hook
    cancelled = 401,
    out_of_memory = 402,
    handler_loop = 403,  ///< handlers emit inside each other deeper than the bus allows
    internal = 500,      ///< a bug of ours
};

/// What the caller can do after an Error.
enum class Recovery : std::uint8_t { retry, reread_and_decide, fix_and_retry, reopen, report_bug };

/// The stable spelling of `code`, as in messages: `version_conflict`.
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;
[[nodiscard]] Recovery recovery_of(ErrorCode code) noexcept;

/// Any failure of this library. Thread-safety: immutable.
class Error : public std::exception {
  public:
    /// `message` says what was attempted, on what, the numbers and what to do next; the code is added
    /// at its end as ` [version_conflict]`. Bytes of it that are not UTF-8 become U+FFFD.
    Error(ErrorCode code, std::string_view message);

    [[nodiscard]] ErrorCode code() const noexcept { return code_; }
    [[nodiscard]] Recovery recovery() const noexcept { return recovery_of(code_); }
    /// The message with its code, always UTF-8. Lives as long as this Error.
    [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

  private:
    ErrorCode code_;
    std::string what_;
};

}  // namespace daybook
