// A real store in a temporary directory, and small helpers for the tests of replay/.
#pragma once

#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/replay/projection.hpp>
#include <daybook/replay/state_json.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook::test {

/// A log whose clock moves one second before each append.
class Log {
  public:
    Log() : Log(1) {}
    explicit Log(std::uint64_t seed)
        : random_(std::make_shared<testkit::SeededRandom>(seed)),
          store_(EventStore::open(
              path(),
              {.access = Access::create, .durability = Durability::normal, .clock = clock_, .random = random_})) {}

    Log& append(NewEvent event) {
        clock_->advance(std::chrono::seconds(1));
        store_.append(std::move(event));
        return *this;
    }
    /// `count` events of one type with payload {"n":1}, {"n":2}, …
    Log& append_numbered(std::size_t count, const std::string& type = "Counted") {
        for (std::size_t i = 0; i < count; ++i)
            append({.type = type, .payload = R"({"n":)" + std::to_string(++number_) + "}"});
        return *this;
    }

    [[nodiscard]] EventReader reader() const { return store_.reader(); }
    [[nodiscard]] EventStore& store() { return store_; }
    [[nodiscard]] std::filesystem::path path() const { return directory_ / "log.db"; }
    [[nodiscard]] const testkit::TempDirectory& directory() const { return directory_; }
    [[nodiscard]] testkit::FakeClock& clock() { return *clock_; }

  private:
    testkit::TempDirectory directory_;
    std::shared_ptr<testkit::FakeClock> clock_ = std::make_shared<testkit::FakeClock>();
    std::shared_ptr<testkit::SeededRandom> random_;
    EventStore store_;
    std::size_t number_ = 0;
};

inline std::string json_of(StateDatabase& state) {
    std::string json;
    write_state_json(state, [&json](std::string_view piece) { json += piece; });
    return json;
}

template <typename Call>
std::string refusal(ErrorCode code, Call call) {
    try {
        call();
    } catch (const Error& error) {
        INFO(error.what());
        CHECK(to_string(error.code()) == to_string(code));
        return error.what();
    }
    FAIL("nothing was refused");
    return {};
}

/// Counts: a table of the numbers seen, and their sum.
inline const std::string& counting_source() {
    static const std::string source =
        "-- projection: counting\n"
        "-- version: 1\n"
        "-- @init\n"
        "CREATE TABLE seen(seq INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE);\n"
        "CREATE TABLE total(n INTEGER NOT NULL);\n"
        "INSERT INTO total VALUES(0);\n"
        "-- @on Counted\n"
        "INSERT INTO seen VALUES(:seq, :payload->>'$.n');\n"
        "UPDATE total SET n = n + (:payload->>'$.n');\n";
    return source;
}

inline Projection counting() {
    return Projection::parse(counting_source(), "counting.sql");
}

}  // namespace daybook::test
