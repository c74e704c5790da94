#include <daybook/event/position.hpp>

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "event/hex.hpp"

namespace daybook {
namespace {

constexpr std::string_view head_prefix = "daybook-head:v1";

[[noreturn]] void refuse_head(std::string_view reason) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("read a head line: {}; expected \"{} store=UUID seq=N digest=HEX result_seq=N "
                            "result_digest=HEX\", as \"daybook head\" prints it",
                            reason, head_prefix));
}

// Takes ` name=value` off the front of `rest`.
std::string_view take_field(std::string_view& rest, std::string_view name) {
    const std::string start = fmt::format(" {}=", name);
    if (!rest.starts_with(start)) refuse_head(fmt::format("field \"{}\" is missing", name));
    rest.remove_prefix(start.size());
    const std::string_view value = rest.substr(0, rest.find(' '));
    rest.remove_prefix(value.size());
    return value;
}

std::uint64_t number_of(std::string_view text, std::string_view name) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > std::uint64_t{INT64_MAX}) {
        refuse_head(fmt::format("field \"{}\" is {}, not a number from 0 to {}", name,
                                quote_json(replace_invalid_utf8(text.substr(0, 64))), INT64_MAX));
    }
    return value;
}

Digest digest_of(std::string_view text, std::string_view name) {
    Digest digest;
    if (!read_hex(text, digest.bytes)) {
        refuse_head(fmt::format("field \"{}\" is not 64 hexadecimal digits", name));
    }
    return digest;
}

}  // namespace

std::string Digest::to_hex() const {
    std::string hex;
    hex.reserve(2 * bytes.size());
    append_hex(hex, bytes);
    return hex;
}

Digest Digest::from_hex(std::string_view hex) {
    Digest digest;
    if (!read_hex(hex, digest.bytes)) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("read a digest: {} bytes that are not 64 hexadecimal digits", hex.size()));
    }
    return digest;
}

std::string Head::to_line() const {
    return fmt::format("{} store={} seq={} digest={} result_seq={} result_digest={}", head_prefix, store_id.to_string(),
                       seq.value, digest.to_hex(), result_seq.value, result_digest.to_hex());
}

Head Head::from_line(std::string_view line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (!line.starts_with(head_prefix)) refuse_head(fmt::format("it does not begin with \"{}\"", head_prefix));
    line.remove_prefix(head_prefix.size());

    Head head;
    const std::string_view store = take_field(line, "store");
    const std::optional<Uuid> store_id = Uuid::parse(store);
    if (!store_id) refuse_head("field \"store\" is not a UUID");
    head.store_id = *store_id;
    head.seq.value = number_of(take_field(line, "seq"), "seq");
    head.digest = digest_of(take_field(line, "digest"), "digest");
    head.result_seq.value = number_of(take_field(line, "result_seq"), "result_seq");
    head.result_digest = digest_of(take_field(line, "result_digest"), "result_digest");
    if (!line.empty()) refuse_head("something follows field \"result_digest\"");
    return head;
}

}  // namespace daybook
