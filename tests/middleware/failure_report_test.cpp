#include <catch2/catch.hpp>

#include <stdexcept>

#include <daybook/middleware/failure_report.hpp>
#include <daybook/testkit/fake_clock.hpp>

namespace daybook {

namespace {

struct Reports {
    testkit::FakeClock clock;
    std::vector<std::string> told;
    FailureMeter meter{"journal", clock, [this](const FailureReport& report) {
                           told.push_back(fmt::format("{} {}: {} ({}/{})", report.who, report.what, report.message,
                                                      report.count, report.total));
                       }};
};

}  // namespace

TEST_CASE("failures: the first is reported at once") {
    Reports reports;
    reports.meter.failed("flush", "disk full");
    CHECK(reports.told == std::vector<std::string>{"journal flush: disk full (1/1)"});
}

TEST_CASE("failures: at most one report a second, which counts those that were held back") {
    Reports reports;
    for (int index = 0; index < 100; ++index) {
        reports.meter.failed("flush", "disk full");
        reports.clock.advance(std::chrono::milliseconds(25));
    }
    // 2.5 seconds: at 0, 1 and 2 seconds.
    CHECK(reports.told.size() == 3);
    CHECK(reports.told[1] == "journal flush: disk full (40/41)");
    CHECK(reports.meter.count().total == 100);
}

TEST_CASE("failures: what was held back can be asked for") {
    Reports reports;
    reports.meter.report_rest();
    CHECK(reports.told.empty());
    reports.meter.failed("feed", "one");
    reports.meter.failed("flush", "two");
    reports.meter.report_rest();
    reports.meter.report_rest();
    CHECK(reports.told == std::vector<std::string>{"journal feed: one (1/1)", "journal flush: two (1/2)"});
}

TEST_CASE("failures: a listener that throws harms nobody") {
    testkit::FakeClock clock;
    FailureMeter meter("m", clock, [](const FailureReport&) { throw std::runtime_error("no"); });
    CHECK_NOTHROW(meter.failed("feed", "one"));
    CHECK(meter.count().total == 1);
    CHECK(meter.count().last_message == "one");
}

TEST_CASE("failures: the exception in flight is named, whatever it is") {
    Reports reports;
    try {
        throw std::runtime_error("broken pipe");
    } catch (...) {
        reports.meter.failed_with_current_exception("flush");
    }
    reports.clock.advance(std::chrono::seconds(1));
    try {
        throw 7;
    } catch (...) {
        reports.meter.failed_with_current_exception("flush");
    }
    REQUIRE(reports.told.size() == 2);
    CHECK(reports.told[0] == "journal flush: broken pipe (1/1)");
    CHECK(reports.told[1].find("not a std::exception") != std::string::npos);
}

}  // namespace daybook
