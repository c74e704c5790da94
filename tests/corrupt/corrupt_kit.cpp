#include "corrupt/corrupt_kit.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "store/connection.hpp"

namespace daybook::corrupttest {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view suffixes[] = {"", "-wal", "-shm", ".lock", "-journal", ".wake"};
constexpr unsigned hang_seconds = 20;

// Written by the handler of SIGALRM, which may do little more than that.
char image_under_test[256];

void report_hang(int) {
    static constexpr char text[] = "hangs: ";
    static_cast<void>(::write(STDERR_FILENO, text, sizeof text - 1));
    static_cast<void>(::write(STDERR_FILENO, image_under_test, std::strlen(image_under_test)));
    static_cast<void>(::write(STDERR_FILENO, "\n", 1));
    ::_exit(1);
}

// Writes the story of a log, and remembers it after each commit.
class Author {
  public:
    Author(EventStore& store, testkit::FakeClock& clock, Sample& sample)
        : store_(store), clock_(clock), sample_(sample) {
        sample_.commits.push_back(content_of(store_));
    }

    void events(std::size_t payload_bytes) {
        clock_.advance(std::chrono::milliseconds(1'500));
        ++number_;
        AppendRequest request;
        request.events = {
            {.type = "order:placed",
             .payload = payload(payload_bytes),
             .stream = "order-" + std::to_string(number_ % 2),
             .id = "o-" + std::to_string(number_),
             .correlation_id = "run-1",
             .tags = {{"lane", "b"}, {"team", "1"}}},
            {.type = "order:paid", .payload = R"({"sum":1.50,"note":"\u00e4"})", .metadata = R"({"by":"x"})"},
        };
        if (number_ > 1) request.events[1].causation_id = "o-" + std::to_string(number_ - 1);
        for (const char* handler : {"bill", "mail"})
            request.pending.push_back({.event_index = 0, .bus = "bus", .handler = handler, .owner = "owner"});
        store_.append(std::move(request));
        remember();
    }
    void outcomes() {
        const std::string event = "o-" + std::to_string(number_);
        NewResult done{.event_id = event,
                       .bus = "bus",
                       .handler = "bill",
                       .status = ResultStatus::completed,
                       .owner = "owner",
                       .result = R"({"billed":true})"};
        done.started_at = clock_.now();
        done.emitted = {"o-1"};
        NewResult failed{.event_id = event,
                         .bus = "bus",
                         .handler = "mail",
                         .status = ResultStatus::error,
                         .owner = "owner",
                         .error_type = "std::runtime_error",
                         .error_message = "no \"paper\""};
        store_.append_results({done, failed});
        remember();
    }
    void checkpoint() {
        store_.save_checkpoint({"billing", store_.head(), {}}, std::nullopt);
        remember();
    }
    void clock_step() {
        clock_.set(Timestamp{clock_.now().ns - 60'000'000'000});
        events(20);
        clock_.advance(std::chrono::minutes(2));
    }

  private:
    std::string payload(std::size_t bytes) const {
        return fmt::format(R"({{"n":{},"text":"{}"}})", number_, std::string(bytes, static_cast<char>('a' + number_)));
    }
    void remember() { sample_.commits.push_back(content_of(store_)); }

    EventStore& store_;
    testkit::FakeClock& clock_;
    Sample& sample_;
    int number_ = 0;
};

}  // namespace

std::string_view name_of(Shape shape) {
    constexpr std::string_view names[] = {"closed", "overflow", "hot", "young"};
    return names[static_cast<std::size_t>(shape)];
}

StoreOptions options_for(Access access, Durability durability) {
    StoreOptions options{.access = access, .durability = durability};
    options.clock = std::make_shared<testkit::FakeClock>(Timestamp{1'800'000'000'000'000'000});
    options.random = std::make_shared<testkit::SeededRandom>(7);
    return options;
}

Sample make_sample(Shape shape, Durability durability) {
    const testkit::TempDirectory directory;
    const fs::path path = directory / "sample.db";
    {
        Connection connection(path.native(), {.writable = true, .create = true});
        connection.execute("PRAGMA page_size = 512");
        connection.execute("PRAGMA journal_mode = WAL");
    }
    Sample sample;
    const auto clock = std::make_shared<testkit::FakeClock>();
    StoreOptions options{.access = Access::create, .durability = durability};
    options.clock = clock;
    options.random = std::make_shared<testkit::SeededRandom>();
    options.run_events = 3;
    std::optional<EventStore> store(EventStore::open(path, options));
    Author author(*store, *clock, sample);
    const std::size_t bytes = shape == Shape::overflow ? 1'400 : 30;
    author.events(bytes);
    author.outcomes();
    author.events(shape == Shape::overflow ? 4'000 : 10);
    author.checkpoint();
    if (shape == Shape::hot) store->checkpoint_wal();
    author.clock_step();
    author.outcomes();
    author.events(bytes);
    sample.content = sample.commits.back();
    if (shape == Shape::closed || shape == Shape::overflow) {
        store->close();
        sample.image = image_of(path);
    } else {
        sample.image = image_of(path);
        REQUIRE(sample.image.at("-wal").size() > 1'000);
    }
    store.reset();
    return sample;
}

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void lay_out(const Image& image, const fs::path& path) {
    for (const std::string_view suffix : suffixes) {
        const std::string name = path.native() + std::string(suffix);
        const auto bytes = image.find(std::string(suffix));
        if (bytes == image.end()) {
            ::unlink(name.c_str());
        } else {
            std::ofstream(name, std::ios::binary | std::ios::trunc) << bytes->second;
        }
    }
}

Image image_of(const fs::path& path) {
    Image image;
    for (const std::string_view suffix : {"", "-wal", "-shm", ".lock"}) {
        const std::string name = path.native() + std::string(suffix);
        if (fs::exists(name)) image[std::string(suffix)] = bytes_of(name);
    }
    return image;
}

Content content_of(const EventStore& store) {
    Content content;
    const EventReader reader = store.reader();
    content.head = reader.head();
    EventCursor events = reader.read({});
    while (const EventView* event = events.next()) content.events.push_back(event->to_event());
    ResultCursor results = reader.results();
    while (const EventResult* result = results.next()) content.results.push_back(*result);
    for (const Checkpoint& kept : store.checkpoints()) content.checkpoints.emplace_back(kept.name, kept.head);
    return content;
}

Reading read_all(const fs::path& path) {
    Reading reading;
    try {
        const EventStore store = EventStore::open(path, options_for(Access::read));
        reading.warnings = store.warnings();
        const EventReader reader = store.reader();
        reading.content.head = reader.head();
        EventCursor events = reader.read({});
        while (const EventView* event = events.next()) reading.content.events.push_back(event->to_event());
        ResultCursor results = reader.results();
        while (const EventResult* result = results.next()) reading.content.results.push_back(*result);
        for (const Checkpoint& kept : store.checkpoints())
            reading.content.checkpoints.emplace_back(kept.name, kept.head);
    } catch (const Error& error) {
        reading.error = error;
    }
    return reading;
}

bool is_beginning(const Content& part, const Content& whole) {
    return part.events.size() <= whole.events.size() && part.results.size() <= whole.results.size() &&
           std::equal(part.events.begin(), part.events.end(), whole.events.begin()) &&
           std::equal(part.results.begin(), part.results.end(), whole.results.begin());
}

Verdict verdict_on(const fs::path& path) {
    VerifyOptions options;
    options.store = options_for(Access::read);
    try {
        const VerifyReport report = verify(path, std::move(options));
        Verdict verdict{.ok = report.ok(), .text = {}};
        for (const VerifyProblem& problem : report.problems)
            verdict.text += problem.code + ": " + problem.message + "\n";
        return verdict;
    } catch (const Error& error) {
        INFO(image_under_test << ": " << error.what());
        CHECK(error.code() != ErrorCode::internal);
        return {.ok = false, .text = error.what()};
    }
}

Campaign::Campaign(std::string name) : name_(std::move(name)) {
    struct sigaction action {};
    action.sa_handler = report_hang;
    ::sigaction(SIGALRM, &action, nullptr);
}

Campaign::~Campaign() {
    ::alarm(0);
    ::signal(SIGALRM, SIG_DFL);
}

void Campaign::begin(std::string image) {
    ++images_;
    const std::string text = fmt::format("{}, image {}: {}", name_, images_, image);
    image_under_test[text.copy(image_under_test, sizeof image_under_test - 1)] = '\0';
    ::alarm(hang_seconds);
}

std::uint64_t Campaign::counted(std::string_view what) const {
    const auto found = figures_.find(std::string(what));
    return found == figures_.end() ? 0 : found->second;
}

void Campaign::finish(std::uint64_t images) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    std::string text = fmt::format("{}: seed {}, {} images in {:.1f} s", name_, seed, images_, seconds);
    for (const auto& [what, count] : figures_) text += fmt::format(", {} {}", count, what);
    fmt::print("{}\n", text);
    std::fflush(stdout);
    INFO(text);
    REQUIRE(images_ >= images);
}

std::uint64_t effort() {
    const char* text = std::getenv("DAYBOOK_CORRUPT_EFFORT");
    const long long times = text == nullptr ? 1 : std::atoll(text);
    return times < 1 ? 1 : static_cast<std::uint64_t>(times);
}

}  // namespace daybook::corrupttest
