// A store in a directory of its own, and middleware that writes down what it is told.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook::testkit {

struct BusFixture {
    explicit BusFixture(bool real_clock = false) : is_real(real_clock) {}

    bool is_real;
    TempDirectory directory;
    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
    EventStore store = open();

    [[nodiscard]] std::filesystem::path path() const { return directory / "log.daybook"; }
    [[nodiscard]] EventStore open() const {
        StoreOptions options;
        options.access = Access::create;
        // A store that waits for another one's lock lets its clock sleep; the fake one would be past the timeout at once.
        if (!is_real) options.clock = clock;
        return EventStore::open(path(), options);
    }
    [[nodiscard]] std::vector<EventResult> rows() const {
        std::vector<EventResult> all;
        const EventReader reader = store.reader();
        ResultCursor cursor = reader.results();
        while (const EventResult* row = cursor.next()) all.push_back(*row);
        return all;
    }
    [[nodiscard]] std::vector<Event> events() const {
        std::vector<Event> all;
        EventCursor cursor = store.read();
        while (const EventView* event = cursor.next()) all.push_back(event->to_event());
        return all;
    }
};

/// Writes down the calls of every hook; runs `on_call` in each.
class Recorder final : public Middleware {
  public:
    std::function<void(const std::string&)> on_call{};

    [[nodiscard]] std::string_view name() const noexcept override { return "recorder"; }
    void on_committed(const Committed& committed) override {
        note("committed " + std::to_string(committed.event.seq.value) + " pending " +
             std::to_string(committed.pending.size()));
    }
    void on_handler_start(const HandlerStart& start) override { note("start " + std::string(start.handler)); }
    void on_result(const Event& event, const EventResult& result) override {
        note("result " + std::to_string(event.seq.value) + " " + result.handler + " " +
             std::string(to_string(result.status)));
    }
    [[nodiscard]] std::vector<std::string> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }

  private:
    void note(std::string call) {
        {
            const std::lock_guard lock(mutex_);
            calls_.push_back(call);
        }
        if (on_call) on_call(call);
    }
    mutable std::mutex mutex_;
    std::vector<std::string> calls_;  // guarded by mutex_
};

/// Keeps in memory what it is fed; can refuse to write and begin as if it had kept something else.
class MemoryJournal final : public Middleware {
  public:
    std::optional<Head> at{};  ///< empty: new
    bool from_head = false;
    bool stands_by = false;
    bool full = false;
    int begun_anew = 0;
    std::vector<std::string> records{};  ///< `e7`, `r3`

    [[nodiscard]] std::string_view name() const noexcept override { return "journal:memory"; }
    [[nodiscard]] std::optional<FeedPosition> position() override {
        return FeedPosition{at.value_or(Head{}), from_head, !at.has_value(), stands_by};
    }
    void begin_at(const Head& head, bool diverged) override {
        if (diverged) {
            ++begun_anew;
            records.clear();
        }
        at = head;
    }
    void feed(const Event& event) override {
        gathered_.push_back("e" + std::to_string(event.seq.value));
        next_ = next_.value_or(at.value());
        next_->seq = event.seq;
        next_->digest = event.digest;
    }
    void feed(const EventResult& result) override {
        gathered_.push_back("r" + std::to_string(result.result_seq.value));
        next_ = next_.value_or(at.value());
        next_->result_seq = result.result_seq;
        next_->result_digest = result.digest;
    }
    void flush() override {
        const std::vector<std::string> gathered = std::exchange(gathered_, {});
        const std::optional<Head> next = std::exchange(next_, std::nullopt);
        if (gathered.empty()) return;
        if (full) throw std::runtime_error("no space left");
        records.insert(records.end(), gathered.begin(), gathered.end());
        at = next;
    }

  private:
    std::vector<std::string> gathered_{};
    std::optional<Head> next_{};
};

[[nodiscard]] inline NewEvent fact(std::string type, std::string payload = "{}") {
    NewEvent event;
    event.type = std::move(type);
    event.payload = std::move(payload);
    return event;
}

}  // namespace daybook::testkit
