#include "store/chain.hpp"

#include <daybook/event/json_text.hpp>

namespace daybook {

namespace {

// What is hashed begins with its kind and the format's number, so that no digest of one kind can pass for
// another's.
constexpr char format = 1;
constexpr char payload_kind = 'P';
constexpr char content_kind = 'C';
constexpr char event_kind = 'E';
constexpr char result_kind = 'R';

template <typename Unsigned>
void put_number(std::string& out, Unsigned value) {
    for (int shift = static_cast<int>(sizeof(Unsigned) - 1) * 8; shift >= 0; shift -= 8)
        out += static_cast<char>((value >> shift) & 0xff);
}

void put_time(std::string& out, Timestamp time) {
    put_number(out, static_cast<std::uint64_t>(time.ns));
}

void put_time(std::string& out, const std::optional<Timestamp>& time) {
    out += time ? '\1' : '\0';
    put_time(out, time.value_or(Timestamp{}));
}

void put_text(std::string& out, std::string_view text) {
    put_number(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

// No text has 2^32 - 1 bytes: that length stands for NULL.
void put_text(std::string& out, const std::optional<std::string_view>& text) {
    if (text) {
        put_text(out, *text);
    } else {
        put_number(out, std::uint32_t{0xffff'ffff});
    }
}

template <std::size_t size>
void put_bytes(std::string& out, const std::array<std::byte, size>& bytes) {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void begin(std::string& out, char kind) {
    constexpr std::size_t kept_bytes_max = 65'536;  // one large text must not hold its memory for ever
    if (out.capacity() > kept_bytes_max) out = {};
    out.clear();
    out += kind;
    out += format;
}

}  // namespace

Digest ChainHasher::finish() {
    hash_.update(std::string_view(buffer_));
    return hash_.finish();
}

Digest ChainHasher::payload(std::string_view salt, std::string_view payload) {
    begin(buffer_, payload_kind);
    buffer_ += salt;
    hash_.update(std::string_view(buffer_));
    hash_.update(payload);
    return hash_.finish();
}

Digest ChainHasher::content(const ContentFields& fields, const Digest& payload_hash) {
    begin(buffer_, content_kind);
    put_bytes(buffer_, payload_hash.bytes);
    put_text(buffer_, fields.event_id);
    put_text(buffer_, fields.type);
    put_text(buffer_, fields.event_version);
    put_text(buffer_, fields.stream);
    put_text(buffer_, fields.source);
    put_text(buffer_, fields.correlation_id);
    put_text(buffer_, fields.causation_id);
    put_text(buffer_, fields.tags);
    put_text(buffer_, fields.metadata);
    return finish();
}

Digest ChainHasher::event(const Digest& previous, const Uuid& store_id, const PlaceFields& place,
                          const Digest& content_hash) {
    begin(buffer_, event_kind);
    put_bytes(buffer_, previous.bytes);
    put_bytes(buffer_, store_id.bytes);
    put_number(buffer_, place.seq.value);
    put_number(buffer_, place.version.value);
    put_time(buffer_, place.occurred_at);
    put_time(buffer_, place.recorded_at);
    put_bytes(buffer_, content_hash.bytes);
    return finish();
}

Digest ChainHasher::result(const Digest& previous, const Uuid& store_id, const ResultFields& fields) {
    begin(buffer_, result_kind);
    put_bytes(buffer_, previous.bytes);
    put_bytes(buffer_, store_id.bytes);
    put_number(buffer_, fields.result_seq.value);
    put_number(buffer_, fields.event_seq.value);
    put_number(buffer_, fields.events_head.value);
    put_number(buffer_, fields.attempt);
    buffer_ += fields.recoverable ? '\1' : '\0';
    buffer_ += fields.imported ? '\1' : '\0';
    put_time(buffer_, fields.recorded_at);
    put_time(buffer_, fields.started_at);
    put_time(buffer_, fields.finished_at);
    put_text(buffer_, fields.event_id);
    put_text(buffer_, fields.bus);
    put_text(buffer_, fields.handler);
    put_text(buffer_, fields.status);
    put_text(buffer_, fields.owner);
    put_text(buffer_, fields.result);
    put_text(buffer_, fields.error_type);
    put_text(buffer_, fields.error_message);
    put_text(buffer_, fields.emitted);
    put_text(buffer_, fields.note);
    return finish();
}

Digest hash_payload(std::string_view salt, std::string_view payload) {
    return ChainHasher().payload(salt, payload);
}

Digest chain_event(const Digest& previous, const Uuid& store_id, const EventView& event, const Digest& payload_hash) {
    ChainHasher hasher;
    const Digest content = hasher.content(content_fields(event), payload_hash);
    return hasher.event(previous, store_id, place_fields(event), content);
}

Digest chain_result(const Digest& previous, const Uuid& store_id, const ResultFields& fields) {
    return ChainHasher().result(previous, store_id, fields);
}

ContentFields content_fields(const EventView& event) noexcept {
    return {event.id,           event.type, event.event_version, event.stream, event.source, event.correlation_id,
            event.causation_id, event.tags, event.metadata};
}

std::string emitted_to_json(const std::vector<std::string>& ids) {
    std::string json = "[";
    for (const std::string& id : ids) {
        if (json.size() > 1) json += ',';
        append_quoted_json(json, id);
    }
    return json + "]";
}

}  // namespace daybook
