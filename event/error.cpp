// Spellings and recoveries of the error codes. Both are part of the interface: append, never change.
#include <daybook/event/error.hpp>

#include <daybook/event/json_text.hpp>

namespace daybook {

std::string_view to_string(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::invalid_argument:
            return "invalid_argument";
        case ErrorCode::invalid_json:
            return "invalid_json";
        case ErrorCode::invalid_utf8:
            return "invalid_utf8";
        case ErrorCode::too_large:
            return "too_large";
        case ErrorCode::too_deep:
            return "too_deep";
        case ErrorCode::duplicate_key:
            return "duplicate_key";
        case ErrorCode::number_out_of_range:
            return "number_out_of_range";
        case ErrorCode::invalid_name:
            return "invalid_name";
        case ErrorCode::invalid_time:
            return "invalid_time";
        case ErrorCode::invalid_pattern:
            return "invalid_pattern";
        case ErrorCode::invalid_pointer:
            return "invalid_pointer";
        case ErrorCode::invalid_line:
            return "invalid_line";
        case ErrorCode::invalid_sql:
            return "invalid_sql";
        case ErrorCode::invalid_projection:
            return "invalid_projection";
        case ErrorCode::guard_refused:
            return "guard_refused";
        case ErrorCode::not_found:
            return "not_found";
        case ErrorCode::time_limit:
            return "time_limit";
        case ErrorCode::past_the_head:
            return "past_the_head";
        case ErrorCode::unknown_format:
            return "unknown_format";
        case ErrorCode::version_conflict:
            return "version_conflict";
        case ErrorCode::idempotency_conflict:
            return "idempotency_conflict";
        case ErrorCode::history_diverged:
            return "history_diverged";
        case ErrorCode::checkpoint_conflict:
            return "checkpoint_conflict";
        case ErrorCode::name_taken:
            return "name_taken";
        case ErrorCode::no_such_file:
            return "no_such_file";
        case ErrorCode::not_a_daybook:
            return "not_a_daybook";
        case ErrorCode::schema_too_new:
            return "schema_too_new";
        case ErrorCode::schema_too_old:
            return "schema_too_old";
        case ErrorCode::unsupported_path:
            return "unsupported_path";
        case ErrorCode::network_file_system:
            return "network_file_system";
        case ErrorCode::permission_denied:
            return "permission_denied";
        case ErrorCode::read_only:
            return "read_only";
        case ErrorCode::busy:
            return "busy";
        case ErrorCode::disk_full:
            return "disk_full";
        case ErrorCode::io_error:
            return "io_error";
        case ErrorCode::corrupt:
            return "corrupt";
        case ErrorCode::commit_in_doubt:
            return "commit_in_doubt";
        case ErrorCode::writes_refused:
            return "writes_refused";
        case ErrorCode::log_behind_mark:
            return "log_behind_mark";
        case ErrorCode::target_exists:
            return "target_exists";
        case ErrorCode::closed:
            return "closed";
        case ErrorCode::wrong_process:
            return "wrong_process";
        case ErrorCode::reentrant_emit:
            return "reentrant_emit";
        case ErrorCode::cancelled:
            return "cancelled";
        case ErrorCode::out_of_memory:
            return "out_of_memory";
        case ErrorCode::handler_loop:
            return "handler_loop";
        case ErrorCode::internal:
            return "internal";
    }
    return "unknown";
}

Recovery recovery_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::busy:
        case ErrorCode::cancelled:
        case ErrorCode::out_of_memory:
            return Recovery::retry;
        case ErrorCode::version_conflict:
        case ErrorCode::idempotency_conflict:
        case ErrorCode::history_diverged:
        case ErrorCode::checkpoint_conflict:
        case ErrorCode::name_taken:
            return Recovery::reread_and_decide;
        case ErrorCode::io_error:
        case ErrorCode::corrupt:
        case ErrorCode::commit_in_doubt:
        case ErrorCode::writes_refused:
        case ErrorCode::log_behind_mark:
        case ErrorCode::closed:
        case ErrorCode::wrong_process:
            return Recovery::reopen;
        case ErrorCode::internal:
            return Recovery::report_bug;
        default:
            return Recovery::fix_and_retry;
    }
}

Error::Error(ErrorCode code, std::string_view message) : code_(code) {
    const std::string_view name = to_string(code);
    what_.reserve(message.size() + name.size() + 3);
    // A message repeats what was refused, and that may be anything: it must go into JSON and onto a terminal all the same.
    if (find_invalid_utf8(message) == std::string_view::npos) {
        what_.append(message);
    } else {
        what_.append(replace_invalid_utf8(message));
    }
    what_.append(" [").append(name).append("]");
}

}  // namespace daybook
