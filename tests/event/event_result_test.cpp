#include <daybook/event/event_result.hpp>

using namespace daybook;

namespace {

constexpr std::array<ResultStatus, 8> all = {ResultStatus::pending, ResultStatus::started, ResultStatus::completed,
                                             ResultStatus::error,   ResultStatus::timeout, ResultStatus::cancelled,
                                             ResultStatus::aborted, ResultStatus::late};

}  // namespace

TEST_CASE("result status: every status is read back from its spelling") {
    for (const ResultStatus status : all) CHECK(result_status_from(to_string(status)) == status);
    CHECK(to_string(ResultStatus::pending) == "pending");
    CHECK(to_string(ResultStatus::late) == "late");
}

TEST_CASE("result status: any other spelling is no status") {
    for (const char* text : {"", "Pending", "done", "unknown", "completed "}) CHECK_FALSE(result_status_from(text));
}

TEST_CASE("result status: five of them end an attempt") {
    std::vector<ResultStatus> terminal;
    for (const ResultStatus status : all) {
        if (is_terminal(status)) terminal.push_back(status);
    }
    CHECK(terminal == std::vector{ResultStatus::completed, ResultStatus::error, ResultStatus::timeout,
                                  ResultStatus::cancelled, ResultStatus::aborted});
}

TEST_CASE("result: a new row is the first attempt and pending") {
    CHECK(NewResult{}.attempt == 1);
    CHECK(NewResult{}.status == ResultStatus::pending);
    CHECK_FALSE(NewResult{}.result);
}
