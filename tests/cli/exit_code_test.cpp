// Tests of the table from error codes to exit codes.
#include <catch2/catch.hpp>

#include "cli/exit_code.hpp"

using namespace daybook;
using namespace daybook::cli;

TEST_CASE("exit codes: input that was refused is 3") {
    for (const ErrorCode code :
         {ErrorCode::invalid_argument, ErrorCode::invalid_json, ErrorCode::invalid_utf8, ErrorCode::too_large,
          ErrorCode::too_deep, ErrorCode::duplicate_key, ErrorCode::number_out_of_range, ErrorCode::invalid_name,
          ErrorCode::invalid_time, ErrorCode::invalid_pattern, ErrorCode::invalid_pointer, ErrorCode::invalid_line,
          ErrorCode::invalid_sql, ErrorCode::invalid_projection, ErrorCode::guard_refused, ErrorCode::not_found,
          ErrorCode::time_limit, ErrorCode::past_the_head})
        CHECK(exit_code_of(code) == ExitCode::refused_input);
}

TEST_CASE("exit codes: an option that is missing is 2") {
    CHECK(exit_code_of(ErrorCode::unknown_format) == ExitCode::usage);
    CHECK(exit_code_of(ErrorCode::name_taken) == ExitCode::usage);
}

TEST_CASE("exit codes: a conflict is 4") {
    for (const ErrorCode code : {ErrorCode::version_conflict, ErrorCode::idempotency_conflict,
                                 ErrorCode::history_diverged, ErrorCode::checkpoint_conflict})
        CHECK(exit_code_of(code) == ExitCode::conflict);
}

TEST_CASE("exit codes: storage is 5") {
    for (const ErrorCode code :
         {ErrorCode::no_such_file, ErrorCode::not_a_daybook, ErrorCode::schema_too_new, ErrorCode::schema_too_old,
          ErrorCode::unsupported_path, ErrorCode::network_file_system, ErrorCode::permission_denied,
          ErrorCode::read_only, ErrorCode::busy, ErrorCode::disk_full, ErrorCode::io_error, ErrorCode::corrupt,
          ErrorCode::commit_in_doubt, ErrorCode::writes_refused, ErrorCode::log_behind_mark, ErrorCode::target_exists})
        CHECK(exit_code_of(code) == ExitCode::storage);
}

TEST_CASE("exit codes: a bug of ours is 70, an interruption 130") {
    CHECK(exit_code_of(ErrorCode::internal) == ExitCode::bug);
    CHECK(exit_code_of(ErrorCode::closed) == ExitCode::bug);
    CHECK(exit_code_of(ErrorCode::cancelled) == ExitCode::interrupted);
}

TEST_CASE("exit codes: a message that is put into a longer one names its code once") {
    const Error inner(ErrorCode::invalid_time, "the month is 13");
    CHECK(message_of(inner) == "the month is 13");
    CHECK(std::string(with_context("--from", inner).what()) == "--from: the month is 13 [invalid_time]");
}
