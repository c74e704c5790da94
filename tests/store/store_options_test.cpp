#include <daybook/store/store_options.hpp>

#include <catch2/catch.hpp>

#include "store/test_store.hpp"

namespace daybook {

namespace {

std::string fault_of(const StoreOptions& options) {
    return test::message_of([&] {
        options.validate();
        return 0;
    });
}

}  // namespace

TEST_CASE("store options: the defaults are valid", "[store_options]") {
    CHECK(fault_of({}).empty());
}

TEST_CASE("store options: all faults are reported at once, with the limits", "[store_options]") {
    StoreOptions options;
    options.busy_timeout = std::chrono::minutes(11);
    options.checkpoint_pages = 0;
    options.cache_bytes = 1;
    options.page_events = 0;
    options.limits.payload_bytes_max = std::size_t{17} << 20;
    options.limits.nesting_max = 1'001;
    options.guards.push_back(nullptr);
    const std::string message = fault_of(options);
    CHECK_THAT(message, Catch::Contains("busy_timeout (ms) is 660000, it may be 0 to 600000"));
    CHECK_THAT(message, Catch::Contains("checkpoint_pages is 0"));
    CHECK_THAT(message, Catch::Contains("cache_bytes is 1"));
    CHECK_THAT(message, Catch::Contains("page_events is 0"));
    CHECK_THAT(message, Catch::Contains("payload_bytes_max"));
    CHECK_THAT(message, Catch::Contains("nesting_max is 1001"));
    CHECK_THAT(message, Catch::Contains("guards"));
    CHECK_THAT(message, Catch::Contains("[invalid_argument]"));
}

TEST_CASE("store options: open() refuses invalid ones before it touches the disk", "[store_options]") {
    const test::TestStore store;
    StoreOptions options = store.options();
    options.page_events = 0;
    CHECK(test::code_of([&] { return EventStore::open(store.path, options); }) == ErrorCode::invalid_argument);
    CHECK(test::names_in(store.directory.path()).empty());
}

}  // namespace daybook
