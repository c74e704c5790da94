#include <catch2/catch.hpp>

#include <daybook/event/error.hpp>
#include <daybook/middleware/logger.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "middleware/samples.hpp"

namespace daybook {

using testkit::committed;
using testkit::event_at;
using testkit::lines_of;
using testkit::result_at;

TEST_CASE("logger: one line for an event and one for its outcome, without payload") {
    const testkit::TempDirectory directory;
    const std::string path = (directory / "log.txt").string();
    LoggerMiddleware logger({.path = path});
    const Event event = event_at(7);
    logger.on_committed(committed(event));
    EventResult result = result_at(3, 7);
    result.result = "{\"secret\":1}";
    logger.on_result(event, result);
    const std::vector<std::string> lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(
        lines[0] ==
        "2026-01-31T12:00:00.000000Z info event seq=7 type=player:moved id=event-7 stream=main version=7 source=engine "
        "bus=main handlers=0 commit_us=1002 payload_bytes=7");
    CHECK(
        lines[1] ==
        "2026-01-31T12:00:00.000000Z info result seq=7 type=player:moved bus=main handler=h attempt=1 status=completed "
        "took_us=1500 result_bytes=12");
    CHECK(logger.lines() == 2);
}

TEST_CASE("logger: payload and result are written when asked for, cut at their limit") {
    const testkit::TempDirectory directory;
    const std::string path = (directory / "log.txt").string();
    LoggerMiddleware logger({.path = path, .payload = true, .payload_bytes_max = 16});
    Event event = event_at(1);
    logger.on_committed(committed(event));
    event.payload = "{\"text\":\"0123456789\"}";
    logger.on_committed(committed(event));
    const std::vector<std::string> lines = lines_of(path);
    CHECK(lines[0].find(" payload={\"n\":1}") != std::string::npos);
    CHECK(lines[1].find(" payload={\"text\":\"0123456...(+5 bytes)") != std::string::npos);
}

TEST_CASE("logger: no event can forge a line, hide text or repaint the terminal") {
    const testkit::TempDirectory directory;
    const std::string path = (directory / "log.txt").string();
    LoggerMiddleware logger({.path = path, .payload = true});
    // Names of the store hold no control characters; middleware must not rest on that.
    Event event = event_at(1, "a\n2026-01-31T12:00:00.000000Z info event seq=2 type=forged");
    event.stream = "s\x1b[2J\xe2\x80\xae";
    event.source = "x status=completed";
    event.correlation_id = "c\r\n";
    event.payload = "\"\xe2\x80\xa8\x7f\"";
    logger.on_committed(committed(event));
    EventResult result = result_at(1, 1, ResultStatus::error);
    result.handler = "h\nfake";
    result.error_type = "E\tvil";
    result.error_message = "first\nsecond \xff \"quoted\"";
    result.note = "\xc2\x9b";
    logger.on_result(event, result);
    const std::string text = testkit::contents(path);
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        REQUIRE((byte >= 0x20 || byte == '\n'));
        REQUIRE(byte != 0x7f);
    }
    CHECK(text.find("\xe2\x80\xae") == std::string::npos);
    CHECK(text.find("\xe2\x80\xa8") == std::string::npos);
    CHECK(text.find("\xc2\x9b") == std::string::npos);
    CHECK(text.find("source=\"x status=completed\"") != std::string::npos);
    CHECK(text.find("error=\"first\\nsecond \\xff \\\"quoted\\\"\"") != std::string::npos);
}

TEST_CASE("logger: lines below its level are not written, failures are errors") {
    const testkit::TempDirectory directory;
    const std::string path = (directory / "log.txt").string();
    LoggerMiddleware logger({.level = LogLevel::warning, .path = path});
    const Event event = event_at(1);
    logger.on_committed(committed(event));
    logger.on_result(event, result_at(1, 1, ResultStatus::started));
    logger.on_result(event, result_at(2, 1, ResultStatus::completed));
    logger.on_result(event, result_at(3, 1, ResultStatus::cancelled));
    logger.on_result(event, result_at(4, 1, ResultStatus::error));
    const std::vector<std::string> lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find(" warning result ") != std::string::npos);
    CHECK(lines[1].find(" error result ") != std::string::npos);
}

TEST_CASE("logger: the file is rotated at its size and old ones are dropped") {
    const testkit::TempDirectory directory;
    const std::string path = (directory / "log.txt").string();
    LoggerMiddleware logger({.path = path, .rotate_bytes = 1024, .rotated_files_max = 2});
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        const Event event = event_at(seq);
        logger.on_committed(committed(event));
    }
    CHECK(testkit::contents(path).size() <= 1024);
    CHECK(std::filesystem::exists(directory / "log.1.txt"));
    CHECK(std::filesystem::exists(directory / "log.2.txt"));
    CHECK_FALSE(std::filesystem::exists(directory / "log.3.txt"));
    CHECK(lines_of(path).back().find(" seq=40 ") != std::string::npos);
}

TEST_CASE("logger: a sink that is full makes the hook fail and is counted") {
    if (!std::filesystem::exists("/dev/full")) {
        WARN("no /dev/full on this machine");
        return;
    }
    LoggerMiddleware logger({.path = "/dev/full"});
    const Event event = event_at(1);
    try {
        logger.on_committed(committed(event));
        FAIL("it was written");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::io_error);
        CHECK(std::string(error.what()).find("/dev/full") != std::string::npos);
    }
    CHECK(logger.failed_lines() == 1);
    CHECK(logger.lines() == 0);
}

TEST_CASE("logger: a file that cannot be opened, and options out of bounds, are refused") {
    const testkit::TempDirectory directory;
    CHECK_THROWS_AS(LoggerMiddleware({.path = directory.path().string()}), Error);
    try {
        LoggerMiddleware({.rotate_bytes = 1, .rotated_files_max = 9'999, .payload_bytes_max = 1});
        FAIL("accepted");
    } catch (const Error& error) {
        const std::string what = error.what();
        CHECK(what.find("rotate_bytes") != std::string::npos);
        CHECK(what.find("rotated_files_max") != std::string::npos);
        CHECK(what.find("payload_bytes_max") != std::string::npos);
    }
}

}  // namespace daybook
