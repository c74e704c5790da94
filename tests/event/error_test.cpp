#include <daybook/event/error.hpp>

#include <set>

using namespace daybook;

namespace {

// Every number that a code may have: the groups have room, and a new code must get a spelling.
std::vector<ErrorCode> known_codes() {
    std::vector<ErrorCode> codes;
    for (std::uint16_t number = 0; number < 1000; ++number) {
        const auto code = static_cast<ErrorCode>(number);
        if (to_string(code) != "unknown") codes.push_back(code);
    }
    return codes;
}

}  // namespace

TEST_CASE("error: the message ends in the code's spelling") {
    const Error error(ErrorCode::version_conflict, "append to 'order-42': expected version 7, the stream is at 9");
    CHECK(std::string(error.what()) ==
          "append to 'order-42': expected version 7, the stream is at 9 [version_conflict]");
    CHECK(error.code() == ErrorCode::version_conflict);
}

TEST_CASE("error: no two codes share a spelling") {
    std::set<std::string_view> names;
    for (const ErrorCode code : known_codes()) CHECK(names.insert(to_string(code)).second);
    CHECK(names.size() >= 45);
}

TEST_CASE("error: the recovery says what a caller can do") {
    CHECK(recovery_of(ErrorCode::busy) == Recovery::retry);
    CHECK(recovery_of(ErrorCode::version_conflict) == Recovery::reread_and_decide);
    CHECK(recovery_of(ErrorCode::invalid_json) == Recovery::fix_and_retry);
    CHECK(recovery_of(ErrorCode::disk_full) == Recovery::fix_and_retry);
    CHECK(recovery_of(ErrorCode::commit_in_doubt) == Recovery::reopen);
    CHECK(recovery_of(ErrorCode::internal) == Recovery::report_bug);
    CHECK(Error(ErrorCode::busy, "x").recovery() == Recovery::retry);
}

TEST_CASE("error: input is fixed and conflicts are read again, by the code's hundred") {
    for (const ErrorCode code : known_codes()) {
        const auto group = static_cast<int>(code) / 100;
        CAPTURE(to_string(code));
        if (group == 1) CHECK(recovery_of(code) == Recovery::fix_and_retry);
        if (group == 2) CHECK(recovery_of(code) == Recovery::reread_and_decide);
    }
}

TEST_CASE("error: it is caught as std::exception") {
    std::string seen;
    try {
        throw Error(ErrorCode::closed, "use a closed store");
    } catch (const std::exception& error) {
        seen = error.what();
    }
    CHECK(seen == "use a closed store [closed]");
}

TEST_CASE("error: a message is UTF-8, whatever bytes it repeats") {
    CHECK(std::string(Error(ErrorCode::invalid_sql, "near \"F\xc3ROM\xff\"").what()) ==
          "near \"F\xef\xbf\xbdROM\xef\xbf\xbd\" [invalid_sql]");
    CHECK(std::string(Error(ErrorCode::invalid_sql, "near \"\xc3\xa4\"").what()) == "near \"\xc3\xa4\" [invalid_sql]");
}
