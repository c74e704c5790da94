#include "store/verifier_events.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/json_text.hpp>
#include <daybook/event/tags.hpp>

#include "store/chain.hpp"
#include "store/event_ids_check.hpp"
#include "store/name_runs_check.hpp"
#include "store/occurred_blocks_check.hpp"

namespace daybook {
namespace {

// The caps are options of whoever appended, so only what no option allows is wrong here.
constexpr Limits widest_limits{.payload_bytes_max = std::size_t{64} << 20,
                               .nesting_max = 1'000,
                               .name_bytes_max = std::size_t{1} << 20,
                               .stream_bytes_max = std::size_t{1} << 20,
                               .tags_max = std::size_t{1} << 20};

std::optional<Digest> digest_of(std::string_view bytes) {
    Digest digest;
    if (bytes.size() != digest.bytes.size()) return std::nullopt;
    std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
    return digest;
}

std::optional<RunLayout> layout_of(Verification& verification) {
    try {
        Statement layout(verification.connection(), layout_sql);
        return read_layout(layout);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;  // an error of the disk, or no memory, says nothing of the file
        verification.problem(
            "derived_stream_runs", std::nullopt,
            fmt::format("what derived tables say of streams, types and ids cannot be read, and ids that two events "
                        "have are not looked for: {}",
                        error.what()));
        return std::nullopt;
    }
}

class EventsVerifier {
  public:
    explicit EventsVerifier(Verification& verification)
        : verification_(verification),
          rows_(verification.connection(),
                "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, causation_id, "
                "occurred_at, recorded_at, tags, payload, metadata, salt, payload_hash, digest "
                "FROM events_log ORDER BY seq"),
          erasure_(verification.connection(), "SELECT 1 FROM erasures WHERE seq = ?1"),
          blocks_(verification),
          layout_(layout_of(verification)),
          names_(verification, layout_),
          ids_(verification, layout_) {}

    void run() {
        while (rows_.step()) {
            check_row();
            ++verification_.report().events;
            verification_.row_read();
        }
        blocks_.finish();
        names_.finish();
        ids_.finish();
    }

  private:
    void check_row() {
        const EventView event = view();
        check_density(event.seq.value);
        check_chain(event);
        check_payload(event);
        if (event.recorded_at.ns < recorded_at_)
            verification_.problem("recorded_at_decreases", event.seq.value,
                                  fmt::format("event {} was recorded at {} ns, before the event before it ({} ns)",
                                              event.seq.value, event.recorded_at.ns, recorded_at_));
        recorded_at_ = event.recorded_at.ns;
        check_content(event);
        blocks_.add(event.seq.value, event.occurred_at);
        names_.add(event.seq.value, event.stream, event.version.value, event.type);
        ids_.add(event.seq.value, event.id);
        verification_.report().head.seq = event.seq;
        seq_ = event.seq.value;
    }

    [[nodiscard]] EventView view() const {
        return {.seq = {rows_.unsigned_integer(0)},
                .id = rows_.text(1),
                .type = rows_.text(2),
                .event_version = rows_.text(3),
                .stream = rows_.text(4),
                .version = {rows_.unsigned_integer(5)},
                .source = rows_.text(6),
                .correlation_id = rows_.optional_text(7),
                .causation_id = rows_.optional_text(8),
                .occurred_at = {rows_.integer(9)},
                .recorded_at = {rows_.integer(10)},
                .tags = rows_.text(11),
                .payload = rows_.text(12),
                .metadata = rows_.text(13),
                .digest = {}};
    }

    void check_density(std::uint64_t seq) {
        gap_ = seq != seq_ + 1;
        if (!gap_) return;
        verification_.problem(
            "seq_gap", seq, fmt::format("event {} follows event {}: {} events are missing", seq, seq_, seq - seq_ - 1));
    }

    // One edit is one problem: the next row is checked against the digest that this row holds. Behind a gap the digest
    // before the row is not known, so that row's digest cannot be checked.
    void check_chain(const EventView& event) {
        const auto stored = digest_of(rows_.blob(16));
        const auto payload_hash = digest_of(rows_.blob(15));
        Digest& digest = verification_.report().head.digest;
        const bool fits = stored && payload_hash && (gap_ || chain_digest(digest, event, *payload_hash) == *stored);
        if (!fits)
            verification_.problem(
                "digest_mismatch", event.seq.value,
                fmt::format(
                    "event {} ('{}'): its digest is not the one that the digest of event {} and its own columns "
                    "give: a column or its place was changed after the commit",
                    event.seq.value, event.id, event.seq.value - 1));
        if (stored) digest = *stored;
    }

    Digest chain_digest(const Digest& previous, const EventView& event, const Digest& payload_hash) {
        return hasher_.event(previous, verification_.store_id(), place_fields(event),
                             hasher_.content(content_fields(event), payload_hash));
    }

    void check_payload(const EventView& event) {
        if (rows_.is_null(12)) {
            erasure_.bind(1, event.seq);
            const ResetGuard guard(erasure_);
            if (!erasure_.step())
                verification_.problem("payload_missing", event.seq.value,
                                      fmt::format("event {} ('{}') has no payload, and no row in erasures says why",
                                                  event.seq.value, event.id));
            return;
        }
        const auto kept = digest_of(rows_.blob(15));
        if (!kept || rows_.blob(14).size() != sizeof(Salt) || hasher_.payload(rows_.blob(14), event.payload) != *kept)
            verification_.problem(
                "payload_mismatch", event.seq.value,
                fmt::format("event {} ('{}'): its payload ({} bytes) is not the one that was hashed at the commit",
                            event.seq.value, event.id, event.payload.size()));
    }

    void check_content(const EventView& event) {
        try {
            check_name(event.type, "type", widest_limits.name_bytes_max);
            check_name(event.id, "id", widest_limits.name_bytes_max);
            check_name(event.event_version, "event_version", widest_limits.name_bytes_max);
            check_name(event.stream, "stream", widest_limits.stream_bytes_max);
            check_name(event.source, "source", widest_limits.stream_bytes_max);
            if (!rows_.is_null(12)) check_json(event.payload, "payload");
            check_json(event.metadata, "metadata");
            if (event.metadata.front() != '{') throw Error(ErrorCode::invalid_json, "metadata: not an object");
            if (event.tags != "{}" && tags_to_json(tags_from_json(event.tags, widest_limits)) != event.tags)
                throw Error(ErrorCode::invalid_json, "tags: not the canonical text of an object of strings");
        } catch (const Error& error) {
            verification_.problem("content_invalid", event.seq.value,
                                  fmt::format("event {}: {}", event.seq.value, error.what()));
        }
    }

    static void check_json(std::string_view text, std::string_view what) {
        if (text == "{}") return;
        if (minify_json(text, widest_limits, what) != text)
            throw Error(ErrorCode::invalid_json, fmt::format("{}: not minified", what));
    }

    Verification& verification_;
    Statement rows_;
    Statement erasure_;
    ChainHasher hasher_;
    OccurredBlocksCheck blocks_;
    const std::optional<RunLayout> layout_;
    NameRunsCheck names_;
    EventIdsCheck ids_;
    std::uint64_t seq_ = 0;
    bool gap_ = false;
    std::int64_t recorded_at_ = INT64_MIN;
};

}  // namespace

void verify_events(Verification& verification) {
    EventsVerifier(verification).run();
}

}  // namespace daybook
