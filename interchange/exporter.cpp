// A pass writes what lies between a position and a pinned head; following is one pass after another.
#include "daybook/interchange/exporter.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ostream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>

#include "interchange/export_file.hpp"

namespace daybook {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{64} << 10;
constexpr std::uint64_t lines_between_questions = 1'000;
constexpr std::chrono::milliseconds follow_wait{100};

// SIGPIPE is held back from this thread while it writes, so that the answer is EPIPE and no handler of the program's runs.
class NoPipeSignal {
  public:
    NoPipeSignal() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoPipeSignal() {
        if (broken_ && !was_pending_) {
            const timespec at_once{};
            while (sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;
    void broken() { broken_ = true; }

  private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool was_pending_ = false;
    bool broken_ = false;
};

class DescriptorSink final : public ExportSink {
  public:
    DescriptorSink(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

    bool write(std::string_view lines) override {
        NoPipeSignal quiet;
        while (!lines.empty()) {
            const ssize_t wrote = ::write(descriptor_, lines.data(), lines.size());
            if (wrote >= 0) {
                lines.remove_prefix(static_cast<std::size_t>(wrote));
            } else if (errno == EPIPE) {
                quiet.broken();
                return false;
            } else if (errno != EINTR) {
                const int error = errno;
                throw Error(error == ENOSPC || error == EDQUOT ? ErrorCode::disk_full : ErrorCode::io_error,
                            fmt::format("export to {}: {}", name_, std::strerror(error)));
            }
        }
        return true;
    }

  private:
    int descriptor_;
    std::string name_;
};

class StreamSink final : public ExportSink {
  public:
    StreamSink(std::ostream& stream, std::string name) : stream_(stream), name_(std::move(name)) {}
    bool write(std::string_view lines) override {
        stream_.write(lines.data(), static_cast<std::streamsize>(lines.size()));
        return checked();
    }
    bool flush() override {
        stream_.flush();
        return checked();
    }

  private:
    bool checked() const {
        if (!stream_) throw Error(ErrorCode::io_error, fmt::format("export to {}: the stream takes no more", name_));
        return true;
    }
    std::ostream& stream_;
    std::string name_;
};

std::optional<EventResult> result_at(const EventReader& reader, ResultSequence seq) {
    ResultCursor cursor = reader.results({.from = seq, .to = seq});
    const EventResult* row = cursor.next();
    return row != nullptr ? std::optional<EventResult>(*row) : std::nullopt;
}

// The first result that was committed when `seq` or a later event was the last: events_head never decreases.
ResultSequence first_result_from(const EventReader& reader, Sequence seq) {
    std::uint64_t low = 1;
    std::uint64_t high = reader.head().result_seq.value + 1;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const auto row = result_at(reader, {middle});
        if (row && row->events_head < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return {low};
}

class Export {
  public:
    Export(EventStore& store, ExportSink& sink, const ExportOptions& options)
        : store_(store), sink_(sink), options_(options), left_(options.window.limit) {
        buffer_.reserve(buffer_bytes * 2);
    }

    ExportSummary run() {
        const EventReader first = store_.reader();
        start(first);
        pass(first);
        if (options_.follow) follow();
        flush();
        return summary_;
    }

  private:
    [[nodiscard]] bool is_over() const { return summary_.reader_gone || summary_.stopped; }
    // The limit counts events; their results are still to come.
    [[nodiscard]] bool has_all_events() const { return left_ == 0U; }

    void start(const EventReader& reader) {
        summary_.end = {reader.head().store_id, {}, {}, {}, {}};
        if (!options_.after) return;
        const Head& after = *options_.after;
        const auto diverged = [&](std::string_view why) {
            throw Error(ErrorCode::history_diverged,
                        fmt::format("export after seq {}: {}; begin again from the start", after.seq.value, why));
        };
        if (after.store_id != reader.head().store_id) diverged("the position is of another log");
        if (after.seq > reader.head().seq) diverged(fmt::format("the log ends at seq {}", reader.head().seq.value));
        if (reader.position_at(after.seq).digest != after.digest)
            diverged("the log has another event there (its digest differs)");
        if (options_.results && after.result_seq.value != 0) {
            const auto row = result_at(reader, after.result_seq);
            if (!row || row->digest != after.result_digest)
                diverged(fmt::format("the log has another result {}", after.result_seq.value));
        }
        summary_.end = after;
    }

    // Everything from summary_.end to the reader's head.
    void pass(const EventReader& reader) {
        head_ = reader.head();
        Window window = options_.window;
        window.limit = left_;
        if (summary_.end.seq.value != 0)
            window.from_seq = std::max(window.from_seq.value_or(Sequence{0}), Sequence{summary_.end.seq.value + 1});
        const bool may_have_events = !has_all_events() && head_.seq > summary_.end.seq &&
                                     !(window.to_seq && window.from_seq && *window.from_seq > *window.to_seq);
        if (options_.window.reverse) {
            if (may_have_events) backwards(reader, window);
        } else {
            if (options_.results) open_results(reader);
            if (may_have_events) forwards(reader, window);
            if (options_.results && !is_over()) write_results(reader, std::nullopt);
        }
        results_.reset();
        row_ = nullptr;
        // At the end of a pass all of it was looked at, whatever the window left out.
        if (is_over()) return;
        const Sequence to =
            has_all_events() ? summary_.end.seq : std::min(window.to_seq.value_or(head_.seq), head_.seq);
        if (to > summary_.end.seq) {
            const Position position = reader.position_at(to);
            summary_.end.seq = position.seq;
            summary_.end.digest = position.digest;
        }
        if (options_.results) {
            summary_.end.result_seq = head_.result_seq;
            summary_.end.result_digest = head_.result_digest;
        }
        report();
    }

    void forwards(const EventReader& reader, const Window& window) {
        EventCursor events = reader.read(window);
        while (const EventView* event = events.next()) {
            if (options_.results) write_results(reader, event->seq);
            if (is_over()) return;
            write_event(*event);
            if (is_over() || has_all_events()) return;
        }
    }

    void backwards(const EventReader& reader, const Window& window) {
        EventCursor events = reader.read(window);
        while (const EventView* event = events.next()) {
            const Sequence seq = event->seq;
            write_event(*event);
            if (options_.results) {
                for (const EventResult& row : reader.results_of(seq)) {
                    append_line(buffer_, row);
                    ended_line(summary_.results);
                }
            }
            if (is_over()) return;
        }
    }

    void open_results(const EventReader& reader) {
        ResultSequence from{summary_.end.result_seq.value + 1};
        if (!options_.after && options_.window.from_seq)
            from = std::max(from, first_result_from(reader, *options_.window.from_seq));
        results_.emplace(reader.results({.from = from}));
        row_ = results_->next();
    }

    // Results committed before the event `before` was; all that are left when there is none.
    void write_results(const EventReader& reader, std::optional<Sequence> before) {
        while (row_ != nullptr && (!before || row_->events_head < *before)) {
            if (is_wanted(reader, row_->event_seq)) {
                append_line(buffer_, *row_);
                ended_line(summary_.results);
            }
            summary_.end.result_seq = row_->result_seq;
            summary_.end.result_digest = row_->digest;
            if (is_over()) return;
            row_ = results_->next();
        }
    }

    // Whether the result's event is in the window.
    bool is_wanted(const EventReader& reader, Sequence seq) {
        const Window& window = options_.window;
        if (window.from_seq && seq < *window.from_seq) return false;
        if (window.to_seq && seq > *window.to_seq) return false;
        const bool by_number_alone = !window.from && !window.to && !window.limit && window.types.empty() &&
                                     !window.stream && !window.source && !window.correlation_id &&
                                     !window.causation_id && window.tags.empty();
        if (by_number_alone) return true;
        if (seq.value < written_.size() && written_[seq.value]) return true;
        // Written by an earlier run: ask the window itself.
        if (!options_.after || seq > options_.after->seq) return false;
        const auto event = reader.find(seq);
        if (!event) return false;
        const std::string tags = tags_to_json(event->tags);
        return window.contains(view_of(*event, tags));
    }

    void write_event(const EventView& event) {
        append_line(buffer_, event);
        if (options_.results && !options_.window.reverse) {
            // One bit an event: which results belong to the window.
            if (written_.size() <= event.seq.value) written_.resize(event.seq.value + 1);
            written_[event.seq.value] = true;
        }
        if (!options_.window.reverse) {
            summary_.end.seq = event.seq;
            summary_.end.digest = event.digest;
        }
        last_seq_ = event.seq;
        if (left_) --*left_;
        ended_line(summary_.events);
    }

    void ended_line(std::uint64_t& count) {
        ++count;
        buffer_.push_back('\n');
        if (buffer_.size() >= buffer_bytes) hand_over();
        if ((summary_.events + summary_.results) % lines_between_questions == 0) {
            report();
            ask();
        }
    }

    void hand_over() {
        if (buffer_.empty() || summary_.reader_gone) return;
        if (!sink_.write(buffer_)) summary_.reader_gone = true;
        buffer_.clear();
    }

    void flush() {
        hand_over();
        if (!summary_.reader_gone && !sink_.flush()) summary_.reader_gone = true;
    }

    void ask() {
        if (options_.stop && options_.stop()) summary_.stopped = true;
    }

    void report() const {
        if (options_.progress) options_.progress({summary_.events, summary_.results, last_seq_, head_.seq});
    }

    void follow() {
        SubscriptionOptions options;
        options.filter = options_.window;
        options.filter.from_seq.reset();
        options.filter.from.reset();
        options.filter.limit.reset();
        options.after = summary_.end.position();
        // It is the alarm clock only: what is written is read by pass(), results too, in one order.
        Subscription news = store_.subscribe(std::move(options));
        while (!is_over() && !has_all_events()) {
            flush();
            ask();
            if (is_over()) return;
            static_cast<void>(news.next(follow_wait));
            const EventReader reader = store_.reader();
            if (reader.head().seq == summary_.end.seq &&
                (!options_.results || reader.head().result_seq == summary_.end.result_seq))
                continue;
            pass(reader);
            while (news.position().seq < summary_.end.seq && news.next(std::chrono::milliseconds{0}) != nullptr) {
            }
        }
    }

    EventStore& store_;
    ExportSink& sink_;
    const ExportOptions& options_;
    std::optional<std::uint64_t> left_;
    ExportSummary summary_{};
    Head head_{};
    Sequence last_seq_{};
    std::string buffer_;
    std::vector<bool> written_;
    std::optional<ResultCursor> results_;
    const EventResult* row_ = nullptr;
};

}  // namespace

std::unique_ptr<ExportSink> sink_to_descriptor(int descriptor, std::string name) {
    return std::make_unique<DescriptorSink>(descriptor, std::move(name));
}

std::unique_ptr<ExportSink> sink_to_stream(std::ostream& stream, std::string name) {
    return std::make_unique<StreamSink>(stream, std::move(name));
}

void ExportOptions::validate() const {
    std::vector<std::string> faults;
    if (follow && window.reverse) faults.emplace_back("following cannot go backwards");
    if (follow && (window.to_seq || window.to)) faults.emplace_back("following has no end: leave to_seq and to out");
    if (after && window.reverse) faults.emplace_back("a position to go on from and reverse exclude each other");
    if (!faults.empty()) throw Error(ErrorCode::invalid_argument, fmt::format("export: {}", fmt::join(faults, "; ")));
    window.validate();
}

ExportSummary export_events(EventStore& store, ExportSink& sink, const ExportOptions& options) {
    options.validate();
    return Export(store, sink, options).run();
}

ExportSummary export_to_file(EventStore& store, const std::filesystem::path& target, const ExportFileOptions& options) {
    if (options.content.follow)
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("export to '{}': a file that is named when it is whole cannot follow the log; export to a "
                        "stream, or use a journal",
                        target.string()));
    options.content.validate();
    interchange::ExportFile file(store.files(), store.path(), target, options.replace,
                                 uuid_v4(store.random()).to_string());
    const ExportSummary summary = Export(store, file, options.content).run();
    if (!summary.stopped) file.commit();
    return summary;
}

}  // namespace daybook
