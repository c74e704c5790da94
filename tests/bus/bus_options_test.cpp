#include <catch2/catch.hpp>

#include <daybook/bus/bus_options.hpp>
#include <daybook/event/error.hpp>

namespace daybook {

TEST_CASE("bus options: the defaults are valid") {
    CHECK_NOTHROW(BusOptions{}.validate());
}

TEST_CASE("bus options: every fault is named at once") {
    BusOptions options;
    options.name = "";
    options.worker_threads = 300;
    options.queue_capacity = 0;
    options.nesting_max = 0;
    options.unsaved_outcomes_max = 0;
    options.feed_records_max = 0;
    options.middleware.push_back(nullptr);
    try {
        options.validate();
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::invalid_argument);
        const std::string what = error.what();
        for (const char* fault : {"bus name", "worker_threads", "queue_capacity", "nesting_max", "unsaved_outcomes_max",
                                  "feed_records_max", "middleware"}) {
            INFO(fault);
            CHECK(what.find(fault) != std::string::npos);
        }
    }
}

}  // namespace daybook
