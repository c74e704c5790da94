// From lines to batches: which format, whose ids, what a journal's parts promise about each other.
#include "daybook/interchange/importer.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>
#include <daybook/event/file_system.hpp>
#include <daybook/event/journal_record.hpp>
#include <daybook/event/json_text.hpp>
#include <daybook/interchange/journal_reader.hpp>

#include "interchange/import_batch.hpp"
#include "interchange/json_spans.hpp"

namespace daybook {
namespace {

using interchange::bare_message;
using interchange::ImportBatch;

constexpr std::uint64_t lines_between_questions = 256;
constexpr std::size_t name_bytes_max = 255;

NewEvent new_event_of(Event&& event) {
    NewEvent fresh;
    fresh.type = std::move(event.type);
    fresh.payload = std::move(event.payload);
    fresh.stream = std::move(event.stream);
    fresh.id = std::move(event.id);
    fresh.event_version = std::move(event.event_version);
    fresh.source = std::move(event.source);
    fresh.correlation_id = std::move(event.correlation_id);
    fresh.causation_id = std::move(event.causation_id);
    fresh.occurred_at = event.occurred_at;
    fresh.tags = std::move(event.tags);
    fresh.metadata = std::move(event.metadata);
    return fresh;
}

NewResult new_result_of(EventResult&& result) {
    NewResult fresh;
    fresh.event_id = std::move(result.event_id);
    fresh.bus = std::move(result.bus);
    fresh.handler = std::move(result.handler);
    fresh.attempt = result.attempt;
    fresh.status = result.status;
    fresh.owner = std::move(result.owner);
    fresh.result = std::move(result.result);
    fresh.error_type = std::move(result.error_type);
    fresh.error_message = std::move(result.error_message);
    fresh.started_at = result.started_at;
    fresh.finished_at = result.finished_at;
    fresh.emitted = std::move(result.emitted);
    fresh.note = std::move(result.note);
    return fresh;
}

// Stricter than parse_line(): somebody else's line may well have an id, a type and a payload too.
bool looks_like_daybook(std::string_view line, const Limits& limits) {
    if (looks_like_journal(line)) return true;
    std::string json;
    try {
        json = minify_json(line, limits, "the first line");
    } catch (const Error&) {
        return false;
    }
    const auto has_all = [&json](std::initializer_list<const char*> keys) {
        interchange::PointerSet pointers;
        for (const char* key : keys) static_cast<void>(pointers.add({key}));
        std::vector<std::optional<std::string_view>> found;
        pointers.locate(json, found);
        return std::all_of(found.begin(), found.end(), [](const auto& value) { return value.has_value(); });
    };
    return has_all({"id", "type", "event_version", "stream", "source", "occurred_at", "payload", "metadata"}) ||
           has_all({"result_seq", "event_id", "bus", "handler", "status"});
}

class Import {
  public:
    Import(EventStore& store, ImportOptions options)
        : store_(store),
          options_(std::move(options)),
          limits_(store.options().limits),
          batch_(store, options_, summary_, [this] { report(); }) {
        // A daybook line holds payload and metadata, each up to its own caps: larger and deeper than either.
        line_limits_ = limits_;
        line_limits_.payload_bytes_max = options_.line_bytes_max;
        line_limits_.nesting_max += 2;
        if (!options_.name.empty()) check_name(options_.name, "import name", name_bytes_max);
        if (options_.format == ImportFormat::daybook && !options_.mapping.is_empty())
            throw Error(
                ErrorCode::invalid_argument,
                "import: a mapping was given for Daybook's own lines, which need none; leave one of the two out");
        if (options_.format == ImportFormat::json || !options_.mapping.is_empty()) use_mapping();
    }

    /// `last`: no further part of a journal comes after this one.
    void read(LineSource& source, bool last) {
        source_ = &source;
        batch_.begin_source(source.name());
        first_of_source_ = true;
        torn_ = false;
        std::uint64_t asked_at = 0;
        while (!torn_) {
            const SourceLine* line = nullptr;
            try {
                line = source.next();
            } catch (const Error& error) {
                unreadable(source, error);
                continue;
            }
            if (line == nullptr) break;
            if (line->number - asked_at >= lines_between_questions) {
                asked_at = line->number;
                ask_whether_cancelled();
            }
            take(*line, last);
            first_of_source_ = false;
        }
        ask_whether_cancelled();
        batch_.flush();
        source_ = nullptr;
    }

    [[nodiscard]] const ImportSummary& summary() const { return summary_; }

  private:
    void use_mapping() {
        format_ = ImportFormat::json;
        mapper_.emplace(options_.mapping, limits_, options_.line_bytes_max);
    }

    // The whole of next()'s errors: one line over the cap can be passed over, a source that fails cannot.
    void unreadable(LineSource& source, const Error& error) {
        if (error.code() == ErrorCode::too_large) {
            const std::string message = bare_message(error);
            const std::string prefix = batch_.where(source.line_number()) + ": ";
            const bool named = message.compare(0, prefix.size(), prefix) == 0;
            batch_.bad_line(source.line_number(), Error(error.code(), named ? message.substr(prefix.size()) : message));
            return;
        }
        throw Error(error.code(), fmt::format("import stopped: {}; {}", bare_message(error), batch_.last_committed()));
    }

    void ask_whether_cancelled() const {
        if (options_.cancelled && options_.cancelled())
            throw Error(ErrorCode::cancelled,
                        fmt::format("import of {} was cancelled; {}: run it again to add the rest", source_->name(),
                                    batch_.last_committed()));
    }

    void report() {
        if (options_.progress && source_ != nullptr)
            options_.progress({source_->line_number(), source_->bytes_read(), source_->bytes_total(), summary_});
    }

    void take(const SourceLine& line, bool last) {
        if (format_ == ImportFormat::automatic) detect(line.text);
        if (first_of_source_) journal_ = format_ == ImportFormat::daybook && looks_like_journal(line.text);
        try {
            if (format_ == ImportFormat::json) {
                take_mapped(line);
            } else if (journal_ || looks_like_journal(line.text)) {
                take_record(line.text, line.number);
            } else {
                take_own(line.text, line.number);
            }
        } catch (const Error& error) {
            if (!interchange::is_input_fault(error.code())) throw;
            if (handled_) throw;
            if (journal_ && !line.ended && last) {
                torn_ = true;
                note(
                    fmt::format("{}: the journal ends in the middle of a record ({} bytes); everything before it was "
                                "imported",
                                batch_.where(line.number), line.text.size()));
                return;
            }
            batch_.bad_line(line.number, error);
        }
    }

    void detect(std::string_view line) {
        if (!looks_like_daybook(line, line_limits_))
            throw Error(ErrorCode::unknown_format,
                        fmt::format("import of {}: line {} is no event, result or journal line of Daybook, and nothing "
                                    "says how to read it; say at least where the type is found (--type /kind)",
                                    source_->name(), source_->line_number()));
        format_ = ImportFormat::daybook;
    }

    void take_mapped(const SourceLine& line) {
        MappedLine mapped = mapper_->map(line.text);
        const bool without_id = mapped.event.id.empty();
        if (without_id) mapped.event.id = derived_event_id(claimed_name(), line.number, line.text);
        add(std::move(mapped.event), line.number, mapped.without_time, without_id);
    }

    void take_own(std::string_view text, std::uint64_t number) {
        Line line = parse_line(text, limits_);
        if (auto* event = std::get_if<Event>(&line)) {
            add(checked(new_event_of(std::move(*event)), limits_), number, false, false);
        } else {
            add(new_result_of(std::move(std::get<EventResult>(line))), number);
        }
    }

    void take_record(std::string_view text, std::uint64_t number) {
        JournalRecord record = decode_journal_record(text, limits_);
        if (const auto* header = std::get_if<JournalHeader>(&record)) {
            continue_from(*header, number);
            next_seq_ = header->after_seq.value + 1;
            next_result_seq_ = header->after_result_seq.value + 1;
        } else if (auto* event = std::get_if<Event>(&record)) {
            expect("event", event->seq.value, next_seq_, number);
            next_seq_ = event->seq.value + 1;
            add(checked(new_event_of(std::move(*event)), limits_), number, false, false);
        } else {
            auto& result = std::get<EventResult>(record);
            expect("result", result.result_seq.value, next_result_seq_, number);
            next_result_seq_ = result.result_seq.value + 1;
            add(new_result_of(std::move(result)), number);
        }
    }

    // A part that does not go on where the one before ended: records are missing, and that is said.
    void continue_from(const JournalHeader& header, std::uint64_t number) {
        if (!next_seq_) {
            if (header.after_seq.value != 0)
                note(fmt::format("{}: the journal begins after seq {}: earlier events are not in it",
                                 batch_.where(number), header.after_seq.value));
            return;
        }
        expect("event", header.after_seq.value + 1, next_seq_, number);
        expect("result", header.after_result_seq.value + 1, next_result_seq_, number);
    }

    void expect(std::string_view what, std::uint64_t found, const std::optional<std::uint64_t>& wanted,
                std::uint64_t number) {
        if (!wanted || found == *wanted) return;
        const std::string message =
            found > *wanted ? fmt::format("{}s {} to {} are missing before this record", what, *wanted, found - 1)
                            : fmt::format("{} {} comes again, {} was expected", what, found, *wanted);
        // With skip, what was skipped leaves such a gap: it is said, and the record is taken.
        if (options_.on_bad_line == OnBadLine::stop) throw Error(ErrorCode::invalid_line, message);
        note(fmt::format("{}: {}", batch_.where(number), message));
    }

    // What the batch throws names the lines itself, and is not this line's fault.
    template <class... Arguments>
    void add(Arguments&&... arguments) {
        handled_ = true;
        batch_.add(std::forward<Arguments>(arguments)...);
        handled_ = false;
    }

    const std::string& claimed_name() {
        if (name_.empty()) {
            name_ = options_.name.empty() && !source_->real_path().empty() ? import_name_of(source_->name())
                                                                           : options_.name;
            handled_ = true;
            if (name_.empty())
                throw Error(ErrorCode::invalid_argument,
                            fmt::format("import of {}: lines without an id need a name for the import, which their ids "
                                        "are derived from (--import-name)",
                                        source_->name()));
            check_name(name_, "import name", name_bytes_max);
            claim();
            handled_ = false;
        }
        return name_;
    }

    void claim() {
        const std::string source = source_->real_path().empty() ? "-" : source_->real_path().string();
        try {
            store_.claim_import_name(name_, source);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::name_taken) throw;
            throw Error(ErrorCode::name_taken,
                        fmt::format("import of {}: {}; name this import otherwise (--import-name), or its events would "
                                    "be taken for those of the other file",
                                    source_->name(), bare_message(error)));
        }
    }

    void note(const std::string& message) const {
        if (options_.on_note) options_.on_note(message);
    }

    EventStore& store_;
    ImportOptions options_;
    Limits limits_;
    Limits line_limits_;
    ImportSummary summary_{};
    ImportBatch batch_;
    LineSource* source_ = nullptr;
    std::optional<LineMapper> mapper_{};
    ImportFormat format_ = options_.format;
    std::string name_{};
    std::optional<std::uint64_t> next_seq_{};
    std::optional<std::uint64_t> next_result_seq_{};
    bool first_of_source_ = true;
    bool journal_ = false;
    bool torn_ = false;
    bool handled_ = false;
};

std::string seq_text(const std::optional<Sequence>& seq) {
    return seq ? fmt::to_string(seq->value) : "null";
}

}  // namespace

std::string to_json(const ImportSummary& summary) {
    std::string text =
        fmt::format(R"({{"read":{},"appended":{},"already_there":{},"skipped":{},"without_time":{},"without_id":{},)"
                    R"("first_seq":{},"last_seq":{})",
                    summary.read, summary.appended, summary.already_there, summary.skipped, summary.without_time,
                    summary.without_id, seq_text(summary.first_seq), seq_text(summary.last_seq));
    if (summary.results != 0) text += fmt::format(R"(,"results":{})", summary.results);
    text += '}';
    return text;
}

std::string derived_event_id(std::string_view import_name, std::uint64_t line_number, std::string_view line) {
    static const Uuid name_space = *Uuid::parse(import_namespace);
    std::string name = fmt::format("{}\n{}\n", import_name, line_number);
    name.append(line);
    return uuid_v5(name_space, name).to_string();
}

std::string import_name_of(const std::filesystem::path& path) {
    std::string name = path.filename().string();
    for (const std::string_view ending : {".gz", ".zst"}) {
        if (name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) {
            name.resize(name.size() - ending.size());
            break;
        }
    }
    return name;
}

ImportSummary import_events(EventStore& store, LineSource& source, ImportOptions options) {
    Import import(store, std::move(options));
    import.read(source, true);
    return import.summary();
}

ImportSummary import_file(EventStore& store, const std::filesystem::path& path, ImportOptions options) {
    const LineSourceOptions lines{.line_bytes_max = options.line_bytes_max};
    std::vector<std::filesystem::path> parts{path};
    if (options.format != ImportFormat::json && options.mapping.is_empty() && std::filesystem::is_regular_file(path)) {
        LineSource peeked = LineSource::open(path, lines);
        try {
            const SourceLine* first = peeked.next();
            if (first != nullptr && looks_like_journal(first->text)) parts = journal_parts(path);
        } catch (const Error&) {  // the import itself will say so, with its line
        }
    }
    Import import(store, std::move(options));
    for (std::size_t i = 0; i < parts.size(); ++i) {
        LineSource source = LineSource::open(parts[i], lines);
        import.read(source, i + 1 == parts.size());
    }
    return import.summary();
}

}  // namespace daybook
