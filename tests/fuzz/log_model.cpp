// See the header. The rules of the model are DESIGN's, said without looking at how the store does it.
#include "fuzz/log_model.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "fuzz/fuzz.hpp"

namespace daybook::fuzz {
namespace {

constexpr std::size_t steps_max = 40;
constexpr const char* streams[] = {"main", "order-1", "order-2"};
constexpr const char* types[] = {"order:placed", "order:paid", "phase.one.two"};
constexpr const char* payloads[] = {"{}", "{\"n\":1}", "{\"n\":1.0}", "{ \"n\" : 1 }"};
constexpr const char* handlers[] = {"mail", "stock"};

using Attempt = std::tuple<std::uint64_t, std::string, std::uint32_t>;  // event, handler, attempt

struct Model {
    std::vector<Event> events;
    std::vector<EventResult> results;
    std::map<std::string, std::size_t> places;  // of ids, in events
    std::map<std::string, std::uint64_t> versions;
    std::map<std::string, Checkpoint> checkpoints;
    std::set<Attempt> open;   // attempts that have begun and not ended
    std::set<Attempt> ended;  // attempts that have ended
    std::set<Attempt> late;

    [[nodiscard]] std::uint64_t version(const std::string& stream) const {
        const auto at = versions.find(stream);
        return at == versions.end() ? 0 : at->second;
    }
    [[nodiscard]] const Event* find(const std::string& id) const {
        const auto at = places.find(id);
        return at == places.end() ? nullptr : &events[at->second];
    }
};

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool same_content(const NewEvent& offered, const Event& kept) {
    return offered.type == kept.type && offered.event_version == kept.event_version && offered.stream == kept.stream &&
           offered.source == kept.source && offered.correlation_id == kept.correlation_id &&
           offered.causation_id == kept.causation_id && offered.tags == kept.tags &&
           minify_json(offered.payload) == kept.payload && minify_json(offered.metadata) == kept.metadata &&
           (!offered.occurred_at || *offered.occurred_at == kept.occurred_at);
}

class Run {
  public:
    explicit Run(const std::filesystem::path& directory) : path_(directory / "log.db") {
        // Making the schema costs more than all the steps: it is made once, and each run begins with a copy.
        static const std::string new_log = [this] {
            open(0);
            store_->close();
            store_.reset();
            std::string bytes = bytes_of(path_);
            for (const auto& file : std::filesystem::directory_iterator(path_.parent_path()))
                std::filesystem::remove(file.path());
            return bytes;
        }();
        std::ofstream(path_, std::ios::binary) << new_log;
        open(1);
    }

    void step(Bytes bytes) {
        switch (bytes.below(16)) {
            case 0:
                return reopen(bytes);
            case 1:
                require(store_->checkpoint_wal(), "nobody holds a checkpoint back");
                return;
            case 2:
                return move_clock(bytes);
            case 3:
            case 4:
                return append_result(bytes);
            case 5:
                return save_checkpoint(bytes);
            case 6:
                return read_window(bytes);
            case 7:
                return open_another(bytes);
            case 8:
                return verify_file();
            default:
                return append(bytes);
        }
    }

    // Reading all of it is cheap; the rest, one run in four each.
    void finish() {
        require_same(*store_);
        const std::size_t what = (model_.events.size() + model_.results.size()) % 4;
        if (what == 1) verify_file();
        if (what != 2) return;
        store_->close();
        store_.reset();
        another_.reset();
        open(1);
        require_same(*store_);
    }

  private:
    StoreOptions options(unsigned how) {
        StoreOptions options;
        options.run_events = 3;
        options.access = how % 2 == 0 ? Access::create : Access::read_write;
        options.durability = how / 2 % 2 == 0 ? Durability::full : Durability::normal;
        options.page_events = how / 4 % 2 == 0 ? 1'000 : 2;
        options.checkpoint_pages = how / 8 % 2 == 0 ? 1'000 : 1;
        options.clock = clock_;
        options.random = random_;
        return options;
    }
    void open(unsigned how) { store_ = std::make_unique<EventStore>(EventStore::open(path_, options(how))); }

    void reopen(Bytes& bytes) {
        if (bytes.below(2) == 0) store_->close();
        store_.reset();
        open(1 + 2 * bytes.below(8));
        require(store_->warnings().empty(), "a log that was closed opens without a warning");
        require(store_->head().seq.value == model_.events.size(), "a reopened log has the head it had");
    }

    // Two stores on one file: what one commits, the other sees and goes on from.
    void open_another(Bytes& bytes) {
        if (!another_) another_ = std::make_unique<EventStore>(EventStore::open(path_, options(1)));
        require(another_->head() == store_->head(), "two stores on one file have one head");
        if (bytes.below(2) == 0) std::swap(store_, another_);
    }

    void move_clock(Bytes& bytes) {
        const bool back = bytes.below(2) == 0;
        const std::chrono::nanoseconds by(bytes.number(3));
        back ? clock_->set(Timestamp{clock_->now().ns - by.count()}) : clock_->advance(by);
    }

    // Bits decide on small numbers of few names, so that steps meet each other.
    AppendRequest request_from(Bytes& bytes) {
        const unsigned shape = bytes.byte();
        const unsigned ids = bytes.byte();
        const unsigned content = bytes.byte();
        const unsigned expectation = bytes.byte();
        const unsigned more = bytes.byte();
        AppendRequest request;
        const std::size_t count = 1 + shape % 3;
        for (std::size_t i = 0; i < count; ++i) {
            NewEvent event;
            const unsigned own = content >> (2 * i);
            event.stream = streams[(shape >> 2) % 3];
            event.type = types[own % 3];
            event.payload = payloads[own % 4];
            if ((ids & 1U) != 0) event.id = "id-" + std::to_string(((ids >> 1) % 4 + i * (ids >> 5)) % 7);
            if ((more & 1U) != 0) event.occurred_at = Timestamp{std::int64_t{content} * 1'000 - 50'000};
            if ((more & 2U) != 0) event.tags = {{"lane", std::to_string(own % 2)}};
            if ((more & 4U) != 0) event.causation_id = "id-" + std::to_string(own % 4);
            if ((more & 8U) != 0) event.correlation_id = "run";
            request.events.push_back(std::move(event));
        }
        request.repeats = static_cast<Repeats>((shape >> 4) % 3);
        request.first_stands = (shape >> 6) == 3;
        request.return_events = true;
        const std::string stream = streams[(expectation >> 3) % 3];
        const std::uint64_t version = model_.version(stream);
        switch (expectation % 8) {
            case 0:
                request.expectations.push_back({stream, ExpectedVersion::none()});
                break;
            case 1:
                request.expectations.push_back({stream, ExpectedVersion::exists()});
                break;
            case 2:
            case 3:
                request.expectations.push_back({stream, ExpectedVersion::exactly(Version{version})});
                break;
            case 4:
                request.expectations.push_back({stream, ExpectedVersion::exactly(Version{version + 1})});
                break;
            default:
                break;
        }
        if ((more & 16U) != 0)
            request.pending.push_back({(more >> 5) % count, "bus", handlers[more >> 7], "owner", (more & 64U) == 0});
        return request;
    }

    void append(Bytes& bytes) {
        const AppendRequest request = request_from(bytes);
        std::set<std::string> ids;
        bool twice = false;
        for (const NewEvent& event : request.events)
            twice = twice || (!event.id.empty() && !ids.insert(event.id).second);
        const Outcome outcome{[&] { return store_->try_append(request); }};
        if (twice)
            return require(outcome.refused_as(ErrorCode::invalid_argument), "one id twice in an append is refused");
        require(outcome.ok(), fmt::format("an append that is in order is answered, {}", outcome.refusal()));
        require_outcome(request, *outcome);
    }

    void require_outcome(const AppendRequest& request, const AppendOutcome& outcome) {
        // Repeats come before expectations.
        std::size_t there = 0;
        std::vector<const Event*> kept;
        for (const NewEvent& event : request.events) {
            kept.push_back(event.id.empty() ? nullptr : model_.find(event.id));
            if (kept.back() != nullptr) ++there;
        }
        for (std::size_t i = 0; i < kept.size(); ++i) {
            if (kept[i] == nullptr || same_content(request.events[i], *kept[i])) continue;
            if (request.first_stands || request.repeats == Repeats::skip_conflicts) continue;
            const auto* conflict = std::get_if<IdempotencyConflict>(&outcome);
            require(conflict != nullptr, "an id with other content is a conflict");
            return require(conflict->event_index == i && conflict->id == request.events[i].id &&
                               conflict->seq == kept[i]->seq && !conflict->difference.empty(),
                           "a conflict names the first event that differs");
        }
        if (request.repeats == Repeats::whole_batch && there != 0 && there != kept.size()) {
            const auto* conflict = std::get_if<IdempotencyConflict>(&outcome);
            return require(conflict != nullptr && conflict->difference == "partial_batch" && !conflict->seq,
                           "a batch that is there in part is a conflict");
        }
        if (there != kept.size()) {
            for (const StreamExpectation& expectation : request.expectations) {
                const std::uint64_t actual = model_.version(expectation.stream);
                using Kind = ExpectedVersion::Kind;
                const Kind kind = expectation.version.kind();
                const bool holds = kind == Kind::any || (kind == Kind::none && actual == 0) ||
                                   (kind == Kind::exists && actual > 0) ||
                                   (kind == Kind::exact && actual == expectation.version.version().value);
                if (holds) continue;
                const auto* conflict = std::get_if<VersionConflict>(&outcome);
                return require(conflict != nullptr && conflict->failed.size() == 1 &&
                                   conflict->failed[0].stream == expectation.stream &&
                                   conflict->failed[0].actual.value == actual,
                               "a wrong expected version is a conflict that says both");
            }
        }
        const auto* appended = std::get_if<Appended>(&outcome);
        require(appended != nullptr, "an append that nothing stands against is done");
        take_in(request, *appended, kept);
    }

    void take_in(const AppendRequest& request, const Appended& appended, const std::vector<const Event*>& kept_now) {
        std::vector<std::optional<Event>> kept;  // copies: the model grows below
        for (const Event* event : kept_now) kept.push_back(event == nullptr ? std::nullopt : std::optional(*event));
        const std::size_t count = request.events.size();
        require(appended.positions.size() == count && appended.ids.size() == count && appended.events.size() == count,
                "an answer has a place for each event");
        const Timestamp before = model_.events.empty() ? Timestamp{INT64_MIN} : model_.events.back().recorded_at;
        const Timestamp now = std::max(before, clock_->now());
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const NewEvent& offered = request.events[i];
            const AppendedEvent& position = appended.positions[i];
            using Answer = AppendedEvent::Outcome;
            if (kept[i]) {
                const bool differs = !same_content(offered, *kept[i]);
                const bool conflict = differs && !request.first_stands;
                require(position.outcome == (conflict ? Answer::conflict : Answer::already_appended),
                        "a repeated event is answered as what it is");
                require(position.differs == (differs && request.first_stands), "a difference is told");
                require(position.seq == kept[i]->seq && position.version == kept[i]->version,
                        "a repeated event has its first position");
                require(appended.events[i] == *kept[i], "a repeated event comes back as it is in the log");
                if (conflict) continue;
            } else {
                const Event& event = appended.events[i];
                require(position.outcome == Answer::appended && !position.differs, "a new event is appended");
                require(event.seq.value == model_.events.size() + 1 && position.seq == event.seq, "seqs are dense");
                require(event.version.value == model_.version(offered.stream) + 1 && position.version == event.version,
                        "versions are dense in a stream");
                require(offered.id.empty() ? model_.find(event.id) == nullptr : event.id == offered.id,
                        "an event has the id it was given, or a new one");
                require(same_content(offered, event), "an event is what was offered");
                require(event.recorded_at == now, "a clock that steps back repeats the last time");
                require(event.occurred_at == offered.occurred_at.value_or(now), "an event occurs when it says, or now");
                model_.places[event.id] = model_.events.size();
                model_.versions[event.stream] = event.version.value;
                model_.events.push_back(event);
            }
            require(appended.ids[i] == appended.events[i].id, "ids are answered in order");
            first = first == 0 ? position.seq.value : std::min(first, position.seq.value);
            last = std::max(last, position.seq.value);
        }
        require(appended.first_seq.value == first && appended.last_seq.value == last,
                "an answer says from where to where");

        std::size_t row = 0;
        for (const PendingHandler& handler : request.pending) {
            if (kept[handler.event_index]) continue;
            require(row < appended.pending.size(), "a handler that will get an event has a pending row");
            const EventResult& result = appended.pending[row++];
            require(result.status == ResultStatus::pending && result.handler == handler.handler &&
                        result.attempt == 1 && result.event_id == appended.ids[handler.event_index],
                    "a pending row names the handler and the event");
            take_in(result);
        }
        require(row == appended.pending.size(), "nobody else has one");
    }

    void take_in(const EventResult& result) {
        require(result.result_seq.value == model_.results.size() + 1, "result seqs are dense");
        require(result.events_head.value == model_.events.size(), "a row names the head of the events at its commit");
        const Attempt attempt{result.event_seq.value, result.handler, result.attempt};
        if (result.status == ResultStatus::pending) model_.open.insert(attempt);
        if (is_terminal(result.status)) {
            model_.open.erase(attempt);
            model_.ended.insert(attempt);
        }
        if (result.status == ResultStatus::late) model_.late.insert(attempt);
        model_.results.push_back(result);
    }

    void append_result(Bytes& bytes) {
        NewResult result;
        const std::uint64_t event = bytes.byte() % (model_.events.size() + 1);
        const bool is_there = event < model_.events.size();
        result.event_id = is_there ? model_.events[static_cast<std::size_t>(event)].id : "nobody";
        result.bus = "bus";
        result.handler = handlers[bytes.below(2)];
        result.owner = "owner";
        constexpr ResultStatus ends[] = {ResultStatus::completed, ResultStatus::error, ResultStatus::late,
                                         ResultStatus::cancelled};
        result.status = ends[bytes.below(4)];
        if (result.status == ResultStatus::completed) result.result = payloads[bytes.below(4)];
        const Attempt attempt{event + 1, result.handler, 1};
        const Outcome rows{[&] { return store_->append_results({result}); }};
        if (!is_there) return require(rows.refused_as(ErrorCode::not_found), "a result needs its event");
        const bool is_late = result.status == ResultStatus::late;
        const bool allowed =
            is_late ? model_.ended.contains(attempt) && !model_.late.contains(attempt) : model_.open.contains(attempt);
        if (!allowed)
            return require(rows.refused_as(ErrorCode::invalid_argument),
                           "an attempt begins, ends once, and may be late");
        require(rows && rows->size() == 1, fmt::format("a result is appended, {}", rows.refusal()));
        require(rows->front().status == result.status && rows->front().event_seq.value == event + 1,
                "a result is what was given");
        take_in(rows->front());
    }

    void save_checkpoint(Bytes& bytes) {
        Checkpoint checkpoint;
        checkpoint.name = bytes.below(2) == 0 ? "reader" : "journal:x";
        checkpoint.head = store_->head();
        checkpoint.updated_at = clock_->now();
        const unsigned forged = bytes.below(4);
        if (forged == 1) checkpoint.head.digest.bytes[3] ^= std::byte{1};
        if (forged == 2) checkpoint.head.seq.value += 1;
        const auto kept = model_.checkpoints.find(checkpoint.name);
        const bool expect_none = bytes.below(2) == 0;
        const std::optional<Checkpoint> expected =
            expect_none || kept == model_.checkpoints.end() ? std::nullopt : std::optional(kept->second);
        const Outcome saved{[&] {
            store_->save_checkpoint(checkpoint, expected);
            return true;
        }};
        if (forged == 1 || forged == 2)
            return require(saved.refused_as(ErrorCode::history_diverged), "a position of no history is refused");
        if (expect_none && kept != model_.checkpoints.end())
            return require(saved.refused_as(ErrorCode::checkpoint_conflict), "a checkpoint has one keeper");
        require(saved.ok(), fmt::format("a checkpoint is kept, {}", saved.refusal()));
        model_.checkpoints[checkpoint.name] = checkpoint;
        const auto read = store_->checkpoint(checkpoint.name);
        require(read && read->head == checkpoint.head, "a checkpoint that was kept is read");
    }

    void read_window(Bytes& bytes) {
        const unsigned what = bytes.byte();
        const std::uint64_t from = bytes.byte() % (model_.events.size() + 2);
        const unsigned which = bytes.byte();
        Window window;
        if ((what & 1U) != 0) window.from_seq = Sequence{from};
        if ((what & 2U) != 0) window.to_seq = Sequence{from + which % 4};
        if ((what & 4U) != 0) window.stream = streams[which % 3];
        if ((what & 8U) != 0) window.types = {TypePattern(which % 2 == 0 ? "order:*" : "phase.**")};
        if ((what & 16U) != 0) window.correlation_id = "run";
        if ((what & 32U) != 0) window.causation_id = "id-" + std::to_string(which % 4);
        if ((what & 64U) != 0) window.tags = {{"lane", std::to_string(which % 2)}};
        if ((what & 128U) != 0) window.reverse = true;
        if (which % 5 == 0) window.limit = which % 7;
        if (which % 3 == 0) {
            window.axis = which % 2 == 0 ? TimeAxis::occurred : TimeAxis::recorded;
            window.to =
                Timestamp{window.axis == TimeAxis::occurred ? std::int64_t{which} * 1'000 - 50'000 : clock_->now().ns};
        }
        std::vector<const Event*> expected;
        for (const Event& event : model_.events) {
            const bool inside =
                (!window.from_seq || event.seq >= *window.from_seq) &&
                (!window.to_seq || event.seq <= *window.to_seq) && (!window.stream || event.stream == *window.stream) &&
                (window.types.empty() || (event.type.front() == 'o') == (which % 2 == 0)) &&
                (!window.correlation_id || event.correlation_id == window.correlation_id) &&
                (!window.causation_id || event.causation_id == window.causation_id) &&
                (window.tags.empty() || event.tags == Tags{{"lane", std::to_string(which % 2)}}) &&
                (!window.to ||
                 (window.axis == TimeAxis::occurred ? event.occurred_at : event.recorded_at) < *window.to);
            if (inside) expected.push_back(&event);
        }
        if (window.reverse) std::reverse(expected.begin(), expected.end());
        if (window.limit && expected.size() > *window.limit) expected.resize(static_cast<std::size_t>(*window.limit));
        EventCursor cursor = store_->read(window);
        for (const Event* event : expected) {
            const EventView* read = cursor.next();
            require(read != nullptr, "a window delivers every event in it");
            require(read->to_event() == *event, "a window delivers them as they were appended, in order");
        }
        require(cursor.next() == nullptr, "a window delivers nothing else");
    }

    void verify_file() {
        VerifyOptions how;
        how.store = options(0);
        how.store.access = Access::read;
        how.head = store_->head();
        const VerifyReport report = verify(path_, how);
        require(report.ok(), report.ok() ? ""
                                         : fmt::format("a log that was only appended to verifies: {} {}",
                                                       report.problems[0].code, report.problems[0].message));
        require(report.events == model_.events.size() && report.results == model_.results.size(),
                "verify counts what is there");
    }

    void require_same(EventStore& store) {
        const EventReader reader = store.reader();
        require(
            reader.head().seq.value == model_.events.size() && reader.head().result_seq.value == model_.results.size(),
            "a head counts events and results");
        EventCursor cursor = reader.read();
        for (const Event& event : model_.events) {
            const EventView* read = cursor.next();
            require(read != nullptr && read->to_event() == event, "the log is what was acknowledged");
        }
        require(cursor.next() == nullptr, "the log is nothing else");
        ResultCursor results = reader.results();
        for (const EventResult& result : model_.results) {
            const EventResult* read = results.next();
            require(read != nullptr && *read == result, "the results are what was acknowledged");
        }
        require(results.next() == nullptr, "the results are nothing else");
        for (const char* stream : streams)
            require(reader.stream_version(stream).value == model_.version(stream), "a stream is at its version");
        std::set<Attempt> open;
        for (const Unfinished& work : store.unfinished())
            open.emplace(work.event_seq.value, work.handler, work.attempt);
        require(open == model_.open, "unfinished work is what has begun and not ended");
        for (const auto& [name, checkpoint] : model_.checkpoints) {
            const auto kept = store.checkpoint(name);
            require(kept && kept->head == checkpoint.head, "checkpoints are kept");
        }
    }

    std::filesystem::path path_;
    std::shared_ptr<testkit::FakeClock> clock_ = std::make_shared<testkit::FakeClock>();
    std::shared_ptr<testkit::SeededRandom> random_ = std::make_shared<testkit::SeededRandom>();
    Model model_;
    std::unique_ptr<EventStore> store_;
    std::unique_ptr<EventStore> another_;
};

}  // namespace

void run_steps(std::string_view steps, const std::filesystem::path& directory) {
    Run run(directory);
    Bytes bytes(steps);
    for (std::size_t step = 0; step < steps_max && !bytes.empty(); ++step) run.step(Bytes(bytes.text(step_bytes)));
    run.finish();
}

}  // namespace daybook::fuzz
