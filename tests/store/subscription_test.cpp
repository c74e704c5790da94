#include <daybook/store/subscription.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>

#include "store/sql_log.hpp"
#include "store/subscription_impl.hpp"

using namespace daybook;
using namespace daybook::test;
using namespace std::chrono_literals;

namespace {

// A file system whose watches cannot be had, as where inotify's limit is reached.
class FilesWithoutWatches final : public FileSystem {
  public:
    std::unique_ptr<File> open(const std::string& path, OpenMode) override {
        throw Error(ErrorCode::permission_denied, "open " + path);
    }
    bool exists(const std::string&) override { return false; }
    void remove(const std::string&) override {}
    void rename_new(const std::string&, const std::string&) override {}
    void rename_replace(const std::string&, const std::string&) override {}
    void sync_directory(const std::string&) override {}
    std::vector<std::string> list(const std::string&) override { return {}; }
    std::unique_ptr<FileWatch> watch(const std::string& path) override {
        throw Error(ErrorCode::io_error, "watch " + path);
    }
};

// A log with a wake file and checkpoints in memory.
class Followed {
  public:
    SqlLog log;
    std::map<std::string, Checkpoint, std::less<>> checkpoints;
    std::shared_ptr<FileSystem> files = std::make_shared<PosixFileSystem>();
    std::shared_ptr<Clock> clock = std::make_shared<SystemClock>();

    [[nodiscard]] std::string wake_path() const { return log.path().string() + ".wake"; }

    Subscription subscribe(SubscriptionOptions options = {}) {
        SubscriptionSource source;
        source.pool = log.pool();
        source.store_id = test_store_id();
        source.page_events = 16;
        source.files = files;
        source.clock = clock;
        source.wake_path = wake_path();
        source.writable = true;
        source.load_checkpoint = [this](std::string_view name) -> std::optional<Checkpoint> {
            const auto found = checkpoints.find(name);
            if (found == checkpoints.end()) return std::nullopt;
            return found->second;
        };
        source.save_checkpoint = [this](const Checkpoint& next, const std::optional<Checkpoint>& expected) {
            const auto found = checkpoints.find(next.name);
            const bool as_expected =
                found == checkpoints.end() ? !expected : expected && expected->head == found->second.head;
            if (!as_expected) throw Error(ErrorCode::checkpoint_conflict, "save checkpoint " + next.name);
            checkpoints.insert_or_assign(next.name, next);
        };
        return make_subscription(std::move(source), std::move(options));
    }

    void append(std::size_t count, const Event& event = make_event("ticked")) {
        log.append(std::vector<Event>(count, event));
    }
    void touch() { PosixFileSystem().open(wake_path(), OpenMode::create)->touch(); }
};

// The seqs that are there now.
std::vector<std::uint64_t> drain(Subscription& subscription) {
    std::vector<std::uint64_t> seqs;
    while (const EventView* event = subscription.next(0ms)) seqs.push_back(event->seq.value);
    return seqs;
}

std::string message_of(const std::function<void()>& action, ErrorCode code) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(error.code() == code);
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("subscription: it hands out history, then what is appended, in order and once each") {
    Followed followed;
    followed.append(40);
    Subscription subscription = followed.subscribe();
    CHECK(drain(subscription).size() == 40);
    followed.append(2);
    CHECK(drain(subscription) == std::vector<std::uint64_t>{41, 42});
    CHECK(drain(subscription).empty());
    CHECK(subscription.position() == followed.log.head().position());
}

TEST_CASE("subscription: one that waits is woken by a commit of another thread, long before it polls") {
    Followed followed;
    Subscription subscription = followed.subscribe({.poll_interval = 60s});
    REQUIRE(subscription.next(0ms) == nullptr);
    const auto begin = std::chrono::steady_clock::now();
    std::thread writer([&followed] {
        followed.append(1);
        followed.touch();
    });
    const EventView* event = subscription.next(30s);
    writer.join();
    REQUIRE(event != nullptr);
    CHECK(event->seq == Sequence{1});
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("subscription: a touch between looking and waiting is not lost") {
    Followed followed;
    Subscription subscription = followed.subscribe({.poll_interval = 60s});
    std::size_t seen = 0;
    std::thread writer([&followed] {
        for (int i = 0; i < 200; ++i) {
            followed.append(1);
            followed.touch();
        }
    });
    const auto begin = std::chrono::steady_clock::now();
    while (seen < 200 && subscription.next(30s) != nullptr) ++seen;
    writer.join();
    CHECK(seen == 200);
    CHECK(std::chrono::steady_clock::now() - begin < 25s);
}

TEST_CASE("subscription: a commit of another process wakes it") {
    Followed followed;
    followed.append(1);
    Subscription subscription = followed.subscribe({.poll_interval = 60s});
    CHECK(drain(subscription).size() == 1);
    const pid_t child = ::fork();
    if (child == 0) {
        int code = 1;
        try {
            Connection connection(followed.log.path().string(), {.writable = true, .busy_timeout_ms = 5'000});
            connection.execute(
                "INSERT INTO events_log SELECT 2, 'from-a-child', type, event_version, stream, 2, source, "
                "correlation_id,"
                " causation_id, occurred_at, recorded_at, tags, payload, metadata, salt, payload_hash, digest"
                " FROM events_log WHERE seq = 1");
            followed.touch();
            code = 0;
        } catch (const std::exception&) {
        }
        ::_exit(code);
    }
    const EventView* event = subscription.next(30s);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    REQUIRE(event != nullptr);
    CHECK(event->id == "from-a-child");
}

TEST_CASE("subscription: a missed wake-up only delays, because it polls") {
    Followed followed;
    Subscription subscription = followed.subscribe({.poll_interval = 5ms});
    std::thread writer([&followed] { followed.append(1); });
    CHECK(subscription.next(30s) != nullptr);
    writer.join();
}

TEST_CASE("subscription: where nothing can be watched it polls, and interrupt() still wakes it") {
    Followed followed;
    followed.files = std::make_shared<FilesWithoutWatches>();
    Subscription polling = followed.subscribe({.poll_interval = 5ms});
    followed.append(1);
    CHECK(polling.next(30s) != nullptr);
    Subscription waiting = followed.subscribe({.from_head = true, .poll_interval = 60s});
    std::thread other([&waiting] { waiting.interrupt(); });
    CHECK(waiting.next(60s) == nullptr);
    other.join();
}

TEST_CASE("subscription: interrupt() ends a wait, and one that came too early ends the next wait") {
    Followed followed;
    Subscription subscription = followed.subscribe({.poll_interval = 60s});
    const auto begin = std::chrono::steady_clock::now();
    std::thread other([&subscription] { subscription.interrupt(); });
    CHECK(subscription.next(60s) == nullptr);
    other.join();
    subscription.interrupt();
    CHECK(subscription.next(60s) == nullptr);
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
}

TEST_CASE("subscription: the timeout ends a wait also under a clock that stands still") {
    Followed followed;
    followed.clock = std::make_shared<testkit::FakeClock>();
    Subscription subscription = followed.subscribe({.poll_interval = 1ms});
    CHECK(subscription.next(3ms) == nullptr);
}

TEST_CASE("subscription: what the filter does not want is passed over, and the position moves on") {
    Followed followed;
    followed.append(100);
    followed.append(1, make_event("wanted"));
    followed.append(100);
    Subscription subscription = followed.subscribe({.filter = {.types = {TypePattern("wanted")}}});
    CHECK(drain(subscription) == std::vector<std::uint64_t>{101});
    CHECK(subscription.position() == Position{test_store_id(), Sequence{201}, made_up_digest(201)});
}

TEST_CASE("subscription: it begins where the options say") {
    Followed followed;
    followed.append(5);
    Subscription after = followed.subscribe({.after = Position{test_store_id(), Sequence{3}, made_up_digest(3)}});
    CHECK(drain(after) == std::vector<std::uint64_t>{4, 5});
    Subscription from_head = followed.subscribe({.from_head = true});
    followed.append(1);
    CHECK(drain(from_head) == std::vector<std::uint64_t>{6});
    Subscription from_start = followed.subscribe({.after = Position{test_store_id(), Sequence{0}, Digest{}}});
    CHECK(drain(from_start).size() == 6);
}

TEST_CASE("subscription: a saved checkpoint is where the next one goes on, also with from_head") {
    Followed followed;
    followed.append(5);
    {
        Subscription subscription = followed.subscribe({.checkpoint = "mine"});
        for (int i = 0; i < 3; ++i) REQUIRE(subscription.next(0ms) != nullptr);
        subscription.save();
        REQUIRE(subscription.next(0ms) != nullptr);
    }
    Subscription again = followed.subscribe({.from_head = true, .checkpoint = "mine"});
    CHECK(again.position().seq == Sequence{3});
    CHECK(drain(again) == std::vector<std::uint64_t>{4, 5});
    again.save();
    CHECK(followed.checkpoints.at("mine").head.position() == again.position());
}

TEST_CASE("subscription: of two that keep one checkpoint, the second to save is refused") {
    Followed followed;
    followed.append(2);
    Subscription one = followed.subscribe({.checkpoint = "shared"});
    Subscription two = followed.subscribe({.checkpoint = "shared"});
    REQUIRE(one.next(0ms) != nullptr);
    one.save();
    CHECK_THROWS_WITH(two.save(), Catch::Contains("[checkpoint_conflict]"));
}

TEST_CASE("subscription: saving without a name is refused") {
    Followed followed;
    Subscription subscription = followed.subscribe();
    CHECK_THROWS_WITH(subscription.save(), Catch::Contains("[invalid_argument]"));
}

TEST_CASE("subscription: a position of another history is refused, with the numbers") {
    Followed followed;
    followed.append(5);
    const auto subscribe_after = [&followed](Position position) {
        return message_of([&] { static_cast<void>(followed.subscribe({.after = position})); },
                          ErrorCode::history_diverged);
    };
    CHECK_THAT(subscribe_after({test_store_id(), Sequence{3}, made_up_digest(3, 9)}),
               Catch::Contains("at seq 3 with digest " + made_up_digest(3, 9).to_hex()) &&
                   Catch::Contains(made_up_digest(3).to_hex()));
    CHECK_THAT(subscribe_after({test_store_id(), Sequence{9}, made_up_digest(9)}),
               Catch::Contains("at seq 9, the log ends at 5"));
    const Uuid other = *Uuid::parse("0190c0de-0000-7000-8000-00000000000f");
    CHECK_THAT(subscribe_after({other, Sequence{3}, made_up_digest(3)}), Catch::Contains(other.to_string()));
    followed.checkpoints["kept"] = {"kept", {test_store_id(), Sequence{2}, made_up_digest(2, 7), {}, {}}, {}};
    CHECK_THAT(
        message_of([&] { static_cast<void>(followed.subscribe({.checkpoint = "kept"})); }, ErrorCode::history_diverged),
        Catch::Contains("checkpoint 'kept'"));
}

TEST_CASE("subscription: options that make no sense are refused, all at once") {
    Followed followed;
    SubscriptionOptions options;
    options.filter.from_seq = Sequence{1};
    options.filter.from = Timestamp{1};
    options.filter.limit = 3;
    options.filter.reverse = true;
    options.after = Position{};
    options.from_head = true;
    options.poll_interval = 0ms;
    const std::string message =
        message_of([&] { static_cast<void>(followed.subscribe(options)); }, ErrorCode::invalid_argument);
    for (const char* fault :
         {"bounds by seq", "bounds in time", "a limit", "a reverse order", "from_head", "poll_interval is 0"})
        CHECK_THAT(message, Catch::Contains(fault));
}

TEST_CASE("subscription: a store's append in another thread wakes the subscriber of another store") {
    const testkit::TempDirectory directory;
    EventStore writing = EventStore::open(directory / "log.daybook", {.access = Access::create});
    EventStore reading = EventStore::open(directory / "log.daybook", {.access = Access::read});
    Subscription subscription = reading.subscribe({.poll_interval = 60s});
    REQUIRE(subscription.next(0ms) == nullptr);
    const auto begin = std::chrono::steady_clock::now();
    std::thread writer([&writing] { writing.append(NewEvent{.type = "ticked", .payload = "[1]"}); });
    const EventView* event = subscription.next(30s);
    writer.join();
    REQUIRE(event != nullptr);
    CHECK(event->payload == "[1]");
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("subscription: a store's append in another process wakes the subscriber, event by event") {
    const testkit::TempDirectory directory;
    const pid_t child = [&directory] {
        EventStore::open(directory / "log.daybook", {.access = Access::create}).close();
        return ::fork();
    }();
    if (child == 0) {
        int code = 1;
        try {
            EventStore store = EventStore::open(directory / "log.daybook");
            for (int i = 0; i < 20; ++i) store.append(NewEvent{.type = "ticked", .payload = std::to_string(i)});
            store.close();
            code = 0;
        } catch (const std::exception&) {
        }
        ::_exit(code);
    }
    EventStore store = EventStore::open(directory / "log.daybook");
    Subscription subscription = store.subscribe({.poll_interval = 60s});
    for (int i = 0; i < 20; ++i) {
        const EventView* event = subscription.next(30s);
        REQUIRE(event != nullptr);
        CHECK(event->payload == std::to_string(i));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("subscription: a store keeps its checkpoint over a restart, and lets nobody overwrite another's") {
    const testkit::TempDirectory directory;
    {
        EventStore store = EventStore::open(directory / "log.daybook", {.access = Access::create});
        for (int i = 0; i < 3; ++i) store.append(NewEvent{.type = "ticked"});
        Subscription one = store.subscribe({.checkpoint = "mine"});
        Subscription two = store.subscribe({.checkpoint = "mine"});
        REQUIRE(one.next(0ms) != nullptr);
        one.save();
        CHECK_THROWS_WITH(two.save(), Catch::Contains("[checkpoint_conflict]"));
        REQUIRE(one.next(0ms) != nullptr);
        one.save();
    }
    EventStore store = EventStore::open(directory / "log.daybook");
    Subscription again = store.subscribe({.checkpoint = "mine"});
    CHECK(drain(again) == std::vector<std::uint64_t>{3});
}
