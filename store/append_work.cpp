#include "store/append_work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

std::string_view view(const Salt& salt) {
    return {reinterpret_cast<const char*>(salt.data()), salt.size()};
}

std::optional<std::string_view> view(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return std::string_view(*text);
}

void ask(Guard& guard, const NewEvent& event) {
    try {
        guard.check(event);
    } catch (const Error&) {
        throw;
    } catch (const std::exception& refusal) {
        throw Error(ErrorCode::guard_refused, fmt::format("append an event of type '{}': guard '{}' says no: {}",
                                                          event.type, guard.name(), refusal.what()));
    } catch (...) {
        throw Error(ErrorCode::guard_refused,
                    fmt::format("append an event of type '{}': guard '{}' says no", event.type, guard.name()));
    }
}

// The first field in which the event in the log differs from the one that is offered under the same id; empty when
// they are the same. occurred_at counts only if the caller gives one.
std::string_view difference(const PreparedEvent& prepared, const StoredEvent& stored) {
    const NewEvent& offered = prepared.event;
    const Event& kept = stored.event;
    if (offered.type != kept.type) return "type";
    if (offered.event_version != kept.event_version) return "event_version";
    if (offered.stream != kept.stream) return "stream";
    if (offered.source != kept.source) return "source";
    if (offered.correlation_id != kept.correlation_id) return "correlation_id";
    if (offered.causation_id != kept.causation_id) return "causation_id";
    if (offered.tags != kept.tags) return "tags";
    if (offered.metadata != kept.metadata) return "metadata";
    if (stored.erased || offered.payload != kept.payload) return "payload";
    if (offered.occurred_at && *offered.occurred_at != kept.occurred_at) return "occurred_at";
    return {};
}

Event committed_event(PreparedEvent&& prepared, const PlacedEvent& placed) noexcept {
    NewEvent& event = prepared.event;
    return {.seq = placed.seq,
            .id = std::move(event.id),
            .type = std::move(event.type),
            .event_version = std::move(event.event_version),
            .stream = std::move(event.stream),
            .version = placed.version,
            .source = std::move(event.source),
            .correlation_id = std::move(event.correlation_id),
            .causation_id = std::move(event.causation_id),
            .occurred_at = placed.occurred_at,
            .recorded_at = placed.recorded_at,
            .tags = std::move(event.tags),
            .payload = std::move(event.payload),
            .metadata = std::move(event.metadata),
            .digest = placed.digest};
}

}  // namespace

AppendWork::AppendWork(AppendRequest request, const StoreOptions& options, UuidV7Generator& ids)
    : request_(std::move(request)) {
    const Limits& limits = options.limits;
    if (request_.events.empty() || request_.events.size() > limits.batch_events_max)
        throw Error(ErrorCode::invalid_argument, fmt::format("append {} events: one append takes 1 to {}",
                                                             request_.events.size(), limits.batch_events_max));
    for (const StreamExpectation& expectation : request_.expectations)
        check_name(expectation.stream, "stream of an expectation", limits.stream_bytes_max);
    check_pending(limits);

    const std::size_t count = request_.events.size();
    prepared_.reserve(count);
    for (NewEvent& event : request_.events) prepare(std::move(event), options, ids);
    request_.events.clear();
    make_room(count);
    if (count > 1 && bytes_ > limits.batch_bytes_max)
        throw Error(
            ErrorCode::too_large,
            fmt::format("append {} events: their payloads and metadata have {} bytes together, one append takes {}; "
                        "append them in several parts",
                        count, bytes_, limits.batch_bytes_max));
    if (count == 1) return;
    std::unordered_set<std::string_view> seen;
    seen.reserve(count);
    for (const PreparedEvent& prepared : prepared_)
        if (!seen.insert(prepared.event.id).second)
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("append {} events: two of them have the id '{}'; give each its own", count,
                                    prepared.event.id));
}

// All that the answer takes: the leader is spared the time, and once the commit is durable nothing may fail for lack of memory.
void AppendWork::make_room(std::size_t count) {
    placed_.resize(count);
    to_write_.resize(count);
    appended_.positions.resize(count);
    if (request_.return_events) appended_.events.resize(count);
    appended_.pending.reserve(request_.pending.size());
    appended_.ids.reserve(count);
    for (const PreparedEvent& prepared : prepared_) appended_.ids.push_back(prepared.event.id);
}

void AppendWork::prepare(NewEvent event, const StoreOptions& options, UuidV7Generator& ids) {
    thread_local ChainHasher hasher;  // making one costs as much as it does
    PreparedEvent prepared;
    prepared.event = checked(std::move(event), options.limits);
    NewEvent& checked_event = prepared.event;
    prepared.id_is_new = checked_event.id.empty();
    if (prepared.id_is_new) checked_event.id = ids.next().to_string();
    for (const std::shared_ptr<Guard>& guard : options.guards) ask(*guard, checked_event);
    prepared.tags = tags_to_json(checked_event.tags);
    options.random->fill(prepared.salt);
    prepared.payload_hash = hasher.payload(view(prepared.salt), checked_event.payload);
    prepared.content_hash = hasher.content({.event_id = checked_event.id,
                                            .type = checked_event.type,
                                            .event_version = checked_event.event_version,
                                            .stream = checked_event.stream,
                                            .source = checked_event.source,
                                            .correlation_id = view(checked_event.correlation_id),
                                            .causation_id = view(checked_event.causation_id),
                                            .tags = prepared.tags,
                                            .metadata = checked_event.metadata},
                                           prepared.payload_hash);
    bytes_ += checked_event.payload.size() + checked_event.metadata.size();
    prepared_.push_back(std::move(prepared));
}

void AppendWork::check_pending(const Limits& limits) const {
    std::set<std::tuple<std::size_t, std::string_view, std::string_view>> seen;
    for (const PendingHandler& handler : request_.pending) {
        if (handler.event_index >= request_.events.size())
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("append {} events: handler '{}' waits for event {}, which is not one of them",
                                    request_.events.size(), handler.handler, handler.event_index));
        check_name(handler.bus, "bus", limits.name_bytes_max);
        check_name(handler.handler, "handler", limits.name_bytes_max);
        check_name(handler.owner, "owner", limits.name_bytes_max);
        if (!seen.emplace(handler.event_index, handler.bus, handler.handler).second)
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("append {} events: handler '{}' of bus '{}' is named twice for event {}",
                                    request_.events.size(), handler.handler, handler.bus, handler.event_index));
    }
}

void AppendWork::check(LogWriter& writer) {
    conflict_.reset();
    appended_.positions.assign(prepared_.size(), {});
    to_write_.assign(prepared_.size(), true);
    anything_to_write_ = false;
    look_for_repeats(writer);
    if (conflict_ || std::find(to_write_.begin(), to_write_.end(), true) == to_write_.end()) return;
    VersionConflict conflict;
    for (const StreamExpectation& expectation : request_.expectations) {
        const Version actual = writer.stream_version(expectation.stream);
        if (!expectation.version.holds(actual))
            conflict.failed.push_back({expectation.stream, expectation.version, actual});
    }
    if (conflict.failed.empty()) {
        anything_to_write_ = true;
    } else {
        conflict_ = std::move(conflict);
    }
}

void AppendWork::look_for_repeats(LogWriter& writer) {
    std::optional<std::size_t> missing;
    std::optional<std::size_t> there;
    for (std::size_t index = 0; index < prepared_.size(); ++index) {
        const PreparedEvent& prepared = prepared_[index];
        std::optional<StoredEvent> stored = prepared.id_is_new ? std::nullopt : writer.find_event(prepared.event.id);
        if (!stored) {
            if (!missing) missing = index;
            continue;
        }
        const std::string_view differs = difference(prepared, *stored);
        if (!differs.empty() && !request_.first_stands && request_.repeats != Repeats::skip_conflicts) {
            conflict_ = IdempotencyConflict{index, prepared.event.id, stored->event.seq, std::string(differs)};
            return;
        }
        if (!there) there = index;
        to_write_[index] = false;
        place_stored(index, std::move(*stored), !differs.empty());
    }
    if (request_.repeats == Repeats::whole_batch && there && missing)
        conflict_ = IdempotencyConflict{*missing, prepared_[*missing].event.id, std::nullopt, "partial_batch"};
}

void AppendWork::place_stored(std::size_t index, StoredEvent stored, bool differs) {
    AppendedEvent& position = appended_.positions[index];
    const bool conflict = differs && !request_.first_stands;
    position.outcome = conflict ? AppendedEvent::Outcome::conflict : AppendedEvent::Outcome::already_appended;
    position.seq = stored.event.seq;
    position.version = stored.event.version;
    position.differs = differs && request_.first_stands;
    if (request_.return_events) appended_.events[index] = std::move(stored.event);
}

void AppendWork::write(LogWriter& writer) {
    if (conflict_) return;
    if (anything_to_write_) writer.append_events(prepared_, to_write_, writer.now_for_events(), placed_);
    for (std::size_t index = 0; index < prepared_.size(); ++index) {
        if (!to_write_[index]) continue;
        appended_.positions[index].seq = placed_[index].seq;
        appended_.positions[index].version = placed_[index].version;
    }
    appended_.pending.clear();
    std::vector<bool> recoverable;
    for (const PendingHandler& handler : request_.pending) {
        if (!to_write_[handler.event_index]) continue;  // it got its row when the event was appended
        appended_.pending.push_back(pending_row(handler, appended_.positions[handler.event_index].seq));
        recoverable.push_back(handler.recoverable);
    }
    if (!appended_.pending.empty()) writer.append_results(appended_.pending, recoverable);
    appended_.first_seq = appended_.last_seq = {};
    for (const AppendedEvent& position : appended_.positions) {
        if (position.outcome == AppendedEvent::Outcome::conflict) continue;
        if (appended_.first_seq.value == 0 || position.seq < appended_.first_seq) appended_.first_seq = position.seq;
        appended_.last_seq = std::max(appended_.last_seq, position.seq);
    }
}

EventResult AppendWork::pending_row(const PendingHandler& handler, Sequence event_seq) const {
    EventResult row;
    row.event_seq = event_seq;
    row.event_id = prepared_[handler.event_index].event.id;
    row.bus = handler.bus;
    row.handler = handler.handler;
    row.owner = handler.owner;
    return row;
}

void AppendWork::durable() noexcept {
    if (conflict_ || !anything_to_write_ || !request_.on_durable) return;
    return_events();
    try {
        request_.on_durable(appended_);
    } catch (...) {
        // It was told not to throw; the commit stands, and the other callers must not pay for it.
    }
}

void AppendWork::return_events() noexcept {
    if (!request_.return_events || std::exchange(events_returned_, true)) return;
    for (std::size_t index = 0; index < prepared_.size(); ++index)
        if (to_write_[index]) appended_.events[index] = committed_event(std::move(prepared_[index]), placed_[index]);
}

AppendOutcome AppendWork::take_outcome() noexcept {
    if (conflict_) return std::visit([](auto& conflict) { return AppendOutcome(std::move(conflict)); }, *conflict_);
    return_events();
    return std::move(appended_);
}

}  // namespace daybook
