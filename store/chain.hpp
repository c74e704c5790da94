// The two digest chains: over events and over results. What is hashed is the stored bytes, never JSON written
// again.
//
// The byte format and its test vectors are in docs/internals/chain.md; a change of it needs a new format
// number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/event/position.hpp>
#include <daybook/event/sha256.hpp>

namespace daybook {

/// Random bytes hashed before the payload, so that a short payload cannot be guessed from its hash.
using Salt = std::array<std::byte, 16>;

/// The fields of an event that are known before the commit, as they are stored.
struct ContentFields {
    std::string_view event_id;
    std::string_view type;
    std::string_view event_version;
    std::string_view stream;
    std::string_view source;
    std::optional<std::string_view> correlation_id;
    std::optional<std::string_view> causation_id;
    std::string_view tags;
    std::string_view metadata;
};

/// The fields of an event that only its commit decides.
struct PlaceFields {
    Sequence seq;
    Version version;
    Timestamp occurred_at;
    Timestamp recorded_at;
};

/// A row of event_results_log as it is stored, but for its digest.
struct ResultFields {
    ResultSequence result_seq;
    Sequence event_seq;
    std::string_view event_id;
    std::string_view bus;
    std::string_view handler;
    std::uint32_t attempt = 1;
    std::string_view status;
    std::string_view owner;
    bool recoverable = true;
    bool imported = false;
    std::optional<std::string_view> result;
    std::optional<std::string_view> error_type;
    std::optional<std::string_view> error_message;
    std::optional<Timestamp> started_at;
    std::optional<Timestamp> finished_at;
    std::string_view emitted;  ///< the JSON text
    std::optional<std::string_view> note;
    Sequence events_head;
    Timestamp recorded_at;
};

/// Computes digests, keeping its buffers. Thread-safety: one thread at a time.
class ChainHasher {
  public:
    [[nodiscard]] Digest payload(std::string_view salt, std::string_view payload);
    /// What can be hashed before the commit's lock is taken.
    [[nodiscard]] Digest content(const ContentFields& fields, const Digest& payload_hash);
    [[nodiscard]] Digest event(const Digest& previous, const Uuid& store_id, const PlaceFields& place,
                               const Digest& content_hash);
    [[nodiscard]] Digest result(const Digest& previous, const Uuid& store_id, const ResultFields& fields);

  private:
    Digest finish();
    std::string buffer_;
    Sha256 hash_;
};

// The same for who needs one only.
[[nodiscard]] Digest hash_payload(std::string_view salt, std::string_view payload);
[[nodiscard]] Digest chain_event(const Digest& previous, const Uuid& store_id, const EventView& event,
                                 const Digest& payload_hash);
[[nodiscard]] Digest chain_result(const Digest& previous, const Uuid& store_id, const ResultFields& fields);

[[nodiscard]] ContentFields content_fields(const EventView& event) noexcept;
[[nodiscard]] inline PlaceFields place_fields(const EventView& event) noexcept {
    return {event.seq, event.version, event.occurred_at, event.recorded_at};
}

/// The text of event_results_log.emitted: a JSON array of strings.
[[nodiscard]] std::string emitted_to_json(const std::vector<std::string>& ids);

}  // namespace daybook
