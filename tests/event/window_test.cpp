#include <daybook/event/window.hpp>

#include "event/samples.hpp"
#include "event/thrown.hpp"

using namespace daybook;

namespace {

bool contains(const Window& window, const Event& event = sample_event()) {
    const std::string tags = tags_to_json(event.tags);
    return window.contains(view_of(event, tags));
}

}  // namespace

TEST_CASE("window: without conditions it holds everything") {
    CHECK(contains({}));
    CHECK_FALSE(Window{}.is_filtered());
    CHECK_NOTHROW(Window{}.validate());
}

TEST_CASE("window: both sequence bounds are inclusive") {
    CHECK(contains({.from_seq = Sequence{42}, .to_seq = Sequence{42}}));
    CHECK_FALSE(contains({.from_seq = Sequence{43}}));
    CHECK_FALSE(contains({.to_seq = Sequence{41}}));
}

TEST_CASE("window: time is half-open, from inclusive and to exclusive") {
    const Timestamp occurred = sample_event().occurred_at;
    CHECK(contains({.from = occurred}));
    CHECK_FALSE(contains({.from = Timestamp{occurred.ns + 1}}));
    CHECK_FALSE(contains({.to = occurred}));
    CHECK(contains({.to = Timestamp{occurred.ns + 1}}));
}

TEST_CASE("window: the axis chooses which of an event's times counts") {
    const Event event = sample_event();
    CHECK(contains({.to = event.recorded_at, .axis = TimeAxis::occurred}));
    CHECK_FALSE(contains({.to = event.recorded_at, .axis = TimeAxis::recorded}));
    CHECK(contains({.from = event.recorded_at, .axis = TimeAxis::recorded}));
}

TEST_CASE("window: any of the types is enough") {
    CHECK(contains({.types = {TypePattern("x"), TypePattern("player:*")}}));
    CHECK_FALSE(contains({.types = {TypePattern("x"), TypePattern("player.*")}}));
}

TEST_CASE("window: stream, source, correlation and cause are compared whole") {
    CHECK(contains({.stream = "player-7"}));
    CHECK_FALSE(contains({.stream = "player-"}));
    CHECK(contains({.source = "arena"}));
    CHECK_FALSE(contains({.source = "engine"}));
    CHECK(contains({.correlation_id = "run-1"}));
    CHECK_FALSE(contains({.correlation_id = "run-2"}));
    CHECK(contains({.causation_id = "0190163d-8694-739b-aea5-966c26f8ad90"}));
    CHECK_FALSE(contains({.causation_id = "0190163d-8694-739b-aea5-966c26f8ad91"}));
}

TEST_CASE("window: an event without a correlation is in no correlation's window") {
    Event event = sample_event();
    event.correlation_id.reset();
    CHECK_FALSE(contains({.correlation_id = ""}, event));
    CHECK(contains({}, event));
}

TEST_CASE("window: every tag asked for must be there with its value") {
    CHECK(contains({.tags = {{"level", "9"}}}));
    CHECK(contains({.tags = {{"level", "9"}, {"arena", "n\"orth"}}}));
    CHECK_FALSE(contains({.tags = {{"level", "9"}, {"arena", "south"}}}));
    CHECK_FALSE(contains({.tags = {{"lev", "9"}}}));
    Event bare = sample_event();
    bare.tags.clear();
    CHECK_FALSE(contains({.tags = {{"level", "9"}}}, bare));
}

TEST_CASE("window: tags are not read unless a tag is asked for") {
    EventView view = view_of(sample_event(), "");
    view.type = "x";
    view.tags = "this is not JSON";
    CHECK(Window{}.contains(view));
    CHECK_THROWS_AS((Window{.tags = {{"a", "b"}}}.contains(view)), Error);
}

TEST_CASE("window: it is filtered by anything but the sequence and the recorded time") {
    CHECK_FALSE((Window{.from_seq = Sequence{1}, .to_seq = Sequence{2}}.is_filtered()));
    CHECK_FALSE((Window{.from = Timestamp{1}, .to = Timestamp{2}, .axis = TimeAxis::recorded}.is_filtered()));
    CHECK_FALSE((Window{.types = {TypePattern("*")}}.is_filtered()));
    CHECK((Window{.from = Timestamp{1}}.is_filtered()));
    CHECK((Window{.to = Timestamp{1}}.is_filtered()));
    CHECK((Window{.types = {TypePattern("a")}}.is_filtered()));
    CHECK((Window{.stream = "a"}.is_filtered()));
    CHECK((Window{.source = "a"}.is_filtered()));
    CHECK((Window{.correlation_id = "a"}.is_filtered()));
    CHECK((Window{.causation_id = "a"}.is_filtered()));
    CHECK((Window{.tags = {{"a", "b"}}}.is_filtered()));
    CHECK((Window{.limit = 1}.is_filtered()));
}

TEST_CASE("window: bounds the wrong way round are refused, all at once") {
    const Window window{.from_seq = Sequence{5}, .to_seq = Sequence{4}, .from = Timestamp{1}, .to = Timestamp{0}};
    const Error error = thrown([&] {
        window.validate();
        return 0;
    });
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK_THAT(error.what(), Catch::Contains("from_seq 5 is after to_seq 4") &&
                                 Catch::Contains("from 1970-01-01T00:00:00.000000001Z is after to"));
}

TEST_CASE("window: an empty window is no error") {
    CHECK_NOTHROW(
        (Window{.from_seq = Sequence{5}, .to_seq = Sequence{5}, .from = Timestamp{1}, .to = Timestamp{1}}.validate()));
}
