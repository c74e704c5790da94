#include <daybook/replay/sql_fold.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/replay/fold.hpp>
#include <daybook/replay/snapshot_use.hpp>
#include <daybook/store/log_files.hpp>

namespace daybook {

namespace {

// What of a window must stay the same for a state to go on: all but its upper bounds and its limit.
std::string identity_of(const Window& window) {
    std::string text = "{";
    const auto add = [&text](std::string_view name, std::string_view value) {
        if (text.size() > 1) text += ',';
        append_quoted_json(text, name);
        text += ':';
        text += value;
    };
    const auto quoted_or_nothing = [&add](std::string_view name, const std::optional<std::string>& value) {
        if (value) add(name, quote_json(*value));
    };
    if (window.from_seq && window.from_seq->value > 1) add("from_seq", std::to_string(window.from_seq->value));
    if (window.from) {
        add("from", quote_json(window.from->to_string()));
        add("axis", window.axis == TimeAxis::occurred ? "\"occurred\"" : "\"recorded\"");
    }
    if (!window.types.empty()) {
        std::vector<std::string_view> patterns;
        for (const TypePattern& pattern : window.types) patterns.push_back(pattern.text());
        std::sort(patterns.begin(), patterns.end());
        std::string list = "[";
        for (const std::string_view pattern : patterns) {
            if (list.size() > 1) list += ',';
            append_quoted_json(list, pattern);
        }
        add("types", list + "]");
    }
    quoted_or_nothing("stream", window.stream);
    quoted_or_nothing("source", window.source);
    quoted_or_nothing("correlation_id", window.correlation_id);
    quoted_or_nothing("causation_id", window.causation_id);
    if (!window.tags.empty()) {
        auto tags = window.tags;
        std::sort(tags.begin(), tags.end());
        std::string list = "[";
        for (const auto& [key, value] : tags) {
            if (list.size() > 1) list += ',';
            list += '[' + quote_json(key) + ',' + quote_json(value) + ']';
        }
        add("tags", list + "]");
    }
    return text + '}';
}

std::optional<Timestamp> occurred_bound(const Window& window) {
    return window.axis == TimeAxis::occurred ? window.to : std::nullopt;
}

StateIdentity identity_of(const Projection& projection, const Window& window) {
    return {.projection = projection.name(),
            .version = projection.version(),
            .source_hash = projection.source_hash(),
            .window = identity_of(window)};
}

// One fold of one projection into one state.
class SqlFold {
  public:
    SqlFold(const EventReader& reader, const Projection& projection, const SqlFoldOptions& options)
        : reader_(reader),
          projection_(projection),
          options_(options),
          identity_(identity_of(projection, options.window)),
          key_{projection.name(), projection.version(), projection.source_hash()} {}

    /// Gives `make()`'s empty state its beginning: a snapshot that serves, or @init.
    template <typename Make>
    StateDatabase begin_new(Make make) {
        if (options_.snapshots != nullptr) {
            if (const auto snapshot =
                    find_snapshot(reader_, options_.window, *options_.snapshots, key_, options_.hooks)) {
                try {
                    StateDatabase state = make();
                    state.deserialize(snapshot->state);
                    if (state.identity() != identity_ || state.progress().position != snapshot->position)
                        throw Error(ErrorCode::corrupt, "its bytes are the state of something else");
                    prepare(state);
                    report_.from_snapshot = snapshot->position.seq;
                    return state;
                } catch (const Error& error) {
                    note(fmt::format("the snapshot of {} version {} at seq {} was ignored: {}", key_.projection,
                                     key_.version, snapshot->position.seq.value, error.what()));
                }
            }
        }
        StateDatabase state = make();
        state.initialise(identity_, reader_.position_at(Sequence{0}), projection_.init());
        prepare(state);
        return state;
    }

    /// Whether `state` may go on. Throws Error: target_exists, history_diverged.
    void check_continues(const StateDatabase& state) const;
    /// Prepares the projection's statements, in their order.
    void prepare(StateDatabase& state) {
        scripts_.clear();
        for (const Projection::Reaction& reaction : projection_.reactions())
            scripts_.push_back(state.prepare(reaction.script));
    }
    /// Applies the rest of the window. With `keep_whole_events`, an error leaves the state at the event before it.
    void run(StateDatabase& state, bool keep_whole_events);

    SqlFoldReport& report() noexcept { return report_; }

  private:
    void note(const std::string& text) const {
        if (options_.hooks.note) options_.hooks.note(text);
    }
    void apply(StateDatabase& state, const EventView& event);
    void apply_up_to(StateDatabase& state, Sequence last);
    [[nodiscard]] Window rest_of_window(const StateProgress& progress) const;
    [[nodiscard]] const std::vector<std::size_t>& scripts_for(std::string_view type);

    const EventReader& reader_;
    const Projection& projection_;
    const SqlFoldOptions& options_;
    StateIdentity identity_;
    SnapshotKey key_;
    SqlFoldReport report_;
    std::vector<std::size_t> scripts_;  // of the projection's reactions, in their order
    // Which scripts a type runs. A log may have any number of types: forgotten when it grows large.
    std::unordered_map<std::string, std::vector<std::size_t>> scripts_by_type_;
};

void SqlFold::check_continues(const StateDatabase& state) const {
    const std::string path = state.path().string();
    const StateIdentity& there = *state.identity();
    const StateProgress& progress = state.progress();
    const auto refuse = [&path](const std::string& what) {
        throw Error(ErrorCode::target_exists,
                    fmt::format("go on in the state {}: {}; give another path, or replace it (--replace)", path, what));
    };
    if (there.projection != identity_.projection)
        refuse(fmt::format("it is of the projection \"{}\", not \"{}\"", there.projection, identity_.projection));
    if (there.version != identity_.version)
        refuse(fmt::format("it is of version {} of {}, not {}", there.version, there.projection, identity_.version));
    if (there.source_hash != identity_.source_hash)
        refuse(
            fmt::format("the source of {} version {} has changed since it was made", there.projection, there.version));
    if (there.window != identity_.window)
        refuse(fmt::format("its window is {}, not {}", there.window, identity_.window));
    const Position& position = progress.position;
    const Head& head = reader_.head();
    if (position.store_id != head.store_id)
        refuse(fmt::format("it is of the store {}, not {}", position.store_id.to_string(), head.store_id.to_string()));
    if (position.seq > head.seq || reader_.position_at(position.seq) != position)
        throw Error(
            ErrorCode::history_diverged,
            fmt::format("go on in the state {}: it is at seq {} of a history that this log (head {}) does not have, "
                        "for example because a backup was restored; replace the state",
                        path, position.seq.value, head.seq.value));
    const Window& window = options_.window;
    if (const Sequence last = last_seq_of(reader_, window); position.seq > last)
        refuse(fmt::format("it is at seq {} already, past the window's end at seq {}", position.seq.value, last.value));
    if (window.limit && progress.events > *window.limit)
        refuse(fmt::format("it holds {} events already, more than the limit of {}", progress.events, *window.limit));
    // Which events were left out for their time depends on the bound, and they would belong before those that are in.
    const std::optional<Timestamp> bound = occurred_bound(window);
    if (bound == progress.occurred_to) return;
    Timestamp lower = bound.value_or(Timestamp{});
    if (progress.occurred_to) lower = bound ? std::min(*bound, *progress.occurred_to) : *progress.occurred_to;
    if (!reader_.all_occurred_before(position.seq, lower))
        refuse(
            fmt::format("its upper bound was {} on the occurred axis, and with another bound events up to seq {} would "
                        "come in between",
                        progress.occurred_to ? progress.occurred_to->to_string() : "none", position.seq.value));
}

Window SqlFold::rest_of_window(const StateProgress& progress) const {
    Window rest = options_.window;
    const Sequence next{progress.position.seq.value + 1};
    rest.from_seq = rest.from_seq ? std::max(*rest.from_seq, next) : next;
    if (rest.limit) *rest.limit -= std::min(*rest.limit, progress.events);
    return rest;
}

const std::vector<std::size_t>& SqlFold::scripts_for(std::string_view type) {
    constexpr std::size_t types_max = 4'096;
    std::string key(type);
    if (const auto found = scripts_by_type_.find(key); found != scripts_by_type_.end()) return found->second;
    if (scripts_by_type_.size() >= types_max) scripts_by_type_.clear();
    std::vector<std::size_t> scripts;
    const auto& reactions = projection_.reactions();
    for (std::size_t i = 0; i < reactions.size(); ++i)
        if (reactions[i].matches(type)) scripts.push_back(scripts_[i]);
    return scripts_by_type_.emplace(std::move(key), std::move(scripts)).first->second;
}

void SqlFold::apply(StateDatabase& state, const EventView& event) {
    for (const std::size_t script : scripts_for(event.type)) state.apply(script, event);
}

// Again from the last commit, up to and including `last`: after a batch was rolled back because of the event behind it.
// It went well before, and projections are pure.
void SqlFold::apply_up_to(StateDatabase& state, Sequence last) {
    StateProgress progress = state.progress();
    progress.occurred_to = occurred_bound(options_.window);
    Window window = rest_of_window(progress);
    window.to_seq = last;
    if (*window.from_seq > last || window.limit == 0) return;
    state.interrupt_when({});
    state.begin();
    EventCursor cursor = reader_.read(window);
    while (const EventView* event = cursor.next()) {
        apply(state, *event);
        ++progress.events;
        progress.position = {reader_.head().store_id, event->seq, event->digest};
    }
    state.commit(progress);
}

void SqlFold::run(StateDatabase& state, bool keep_whole_events) {
    const Window& window = options_.window;
    const Sequence last = last_seq_of(reader_, window);
    StateProgress progress = state.progress();
    progress.occurred_to = occurred_bound(window);
    const Window rest = rest_of_window(progress);
    ReplayMeter meter(options_.hooks, *rest.from_seq, last);
    std::size_t in_batch = 0;
    Sequence current;  // the event that is being applied
    const auto commit = [&] {
        in_batch = 0;  // also when it fails: the batch was rolled back, and there is nothing left to keep
        state.commit(progress);
    };
    if (*rest.from_seq <= last && rest.limit != 0) {
        state.interrupt_when(options_.hooks.cancelled);
        try {
            EventCursor cursor = reader_.read(rest);
            while (const EventView* event = cursor.next()) {
                current = {};
                meter.before(*event);
                if (in_batch == 0) state.begin();
                current = event->seq;
                ++in_batch;
                apply(state, *event);
                ++progress.events;
                progress.position = {reader_.head().store_id, event->seq, event->digest};
                current = {};
                if (in_batch >= options_.batch_events) commit();
                meter.after(event->seq);
            }
        } catch (...) {
            state.interrupt_when({});
            if (!keep_whole_events) {
                state.rollback();
                throw;
            }
            // What is whole is kept; if that cannot be done either, the file stays at the last commit.
            try {
                if (current.value == 0) {
                    if (in_batch > 0) commit();
                } else {
                    state.rollback();
                    apply_up_to(state, Sequence{current.value - 1});
                }
            } catch (const Error& error) {
                state.rollback();
                note(fmt::format("the state {} stays at seq {}: {}", state.path().string(),
                                 state.progress().position.seq.value, error.what()));
            }
            throw;
        }
        state.interrupt_when({});
    }
    // Events that the window passed over are done with too, unless the limit ended it.
    const bool limited = window.limit && progress.events >= *window.limit;
    if (!limited && last > progress.position.seq) progress.position = reader_.position_at(last);
    if (in_batch == 0 && progress != state.progress()) {
        state.begin();
        in_batch = 1;
    }
    if (in_batch > 0) commit();
    meter.end();
    report_.position = progress.position;
    report_.events = meter.events();
    if (options_.save_snapshot && options_.snapshots != nullptr && snapshot_serves(reader_, window, progress.position))
        report_.snapshot_saved =
            options_.snapshots->save(key_, {progress.position, progress.events, state.serialize()});
}

void check_options(const SqlFoldOptions& options) {
    check_fold_window(options.window);
    if (options.batch_events < 1 || options.batch_events > 1'000'000)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("fold with batch_events = {}: it must be 1 to 1,000,000", options.batch_events));
}

// Removes what SQLite may have left beside a state file that is about to be removed or replaced: a journal of the old
// file must never be rolled back into a new one.
void remove_side_files(FileSystem& files, const std::string& path) {
    for (const char* suffix : {"-journal", "-wal", "-shm"})
        if (files.exists(path + suffix)) files.remove(path + suffix);
}

// Holds a state that is about to be replaced: whoever is filling it has a journal under its name, which must not come to
// lie beside the new file. Empty when it is too damaged to be filled by anybody. Throws Error: busy.
std::optional<StateDatabase> hold_still(const std::filesystem::path& path, const StateDatabaseOptions& options) {
    try {
        StateDatabase state = StateDatabase::open(path, options);
        state.begin();
        return state;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::busy) throw;
        return std::nullopt;
    }
}

// A name beside `path` that nobody uses.
std::string free_name(FileSystem& files, const std::string& path) {
    for (int n = 1;; ++n)
        if (std::string name = fmt::format("{}.new-{}", path, n); !files.exists(name)) return name;
}

void remove_state(FileSystem& files, const std::string& path) {
    remove_side_files(files, path);
    if (files.exists(path)) files.remove(path);
}

}  // namespace

Projected project(const EventReader& reader, const Projection& projection, SqlFoldOptions options) {
    check_options(options);
    SqlFold fold(reader, projection, options);
    StateDatabase state = fold.begin_new([&options] { return StateDatabase::in_memory(options.state); });
    fold.run(state, false);
    return {std::move(state), fold.report()};
}

SqlFoldReport project_into(const EventReader& reader, const Projection& projection, const std::filesystem::path& target,
                           SqlFoldOptions options) {
    check_options(options);
    if (!options.state.files) options.state.files = std::make_shared<PosixFileSystem>();
    FileSystem& files = *options.state.files;
    const std::string name = std::filesystem::absolute(target).lexically_normal().string();
    SqlFold fold(reader, projection, options);
    if (!options.log.empty() && is_log_file(options.log, target))
        throw Error(ErrorCode::unsupported_path,
                    fmt::format("project into {}: this name belongs to the log {}; give another path", target.string(),
                                options.log.string()));
    const StateFileKind kind = StateDatabase::inspect(target, options.state);
    if (kind == StateFileKind::log)
        throw Error(
            ErrorCode::unsupported_path,
            fmt::format("project into {}: this is a daybook, never a state; give another path", target.string()));
    if (kind != StateFileKind::missing && !options.replace) {
        if (kind == StateFileKind::other)
            throw Error(ErrorCode::target_exists,
                        fmt::format("project into {}: something is there that is not a state; give "
                                    "another path, or replace it (--replace)",
                                    target.string()));
        StateDatabase state = StateDatabase::open(target, options.state);
        fold.check_continues(state);
        fold.prepare(state);
        fold.report().continued_from = state.progress().position.seq;
        fold.run(state, true);
        return fold.report();
    }
    if (std::filesystem::is_directory(target))
        throw Error(ErrorCode::unsupported_path, fmt::format("project into {}: it is a directory", target.string()));
    const std::filesystem::path directory = target.parent_path();
    if (!directory.empty() && !std::filesystem::is_directory(directory))
        throw Error(ErrorCode::no_such_file, fmt::format("project into {}: there is no directory {}; make it first",
                                                         target.string(), directory.string()));
    // Made under another name until @init and every statement were accepted: a projection that does not even parse
    // leaves nothing, and takes away nothing.
    const std::string draft = free_name(files, name);
    bool made = false;
    try {
        (void)fold.begin_new([&] {
            if (made) remove_state(files, draft);
            StateDatabase state = StateDatabase::create(draft, options.state);
            made = true;
            return state;
        });
        std::optional<StateDatabase> old;
        if (kind == StateFileKind::state) old = hold_still(target, options.state);
        remove_side_files(files, name);
        if (options.replace) {
            files.rename_replace(draft, name);
        } else {
            files.rename_new(draft, name);
        }
    } catch (...) {
        if (made) remove_state(files, draft);
        throw;
    }
    files.sync_directory(directory_of(name));
    StateDatabase state = StateDatabase::open(target, options.state);
    fold.prepare(state);
    fold.run(state, true);
    return fold.report();
}

}  // namespace daybook
