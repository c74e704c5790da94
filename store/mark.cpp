#include "store/mark.hpp"

#include <daybook/event/checksum.hpp>

#include <cstdint>
#include <cstring>

namespace daybook {

namespace {

constexpr std::string_view magic("DAYBKMK\1", 8);
constexpr std::size_t checksum_offset = mark_bytes - 4;

template <typename Unsigned>
void put(std::string& out, Unsigned value) {
    for (int shift = static_cast<int>(sizeof(Unsigned) - 1) * 8; shift >= 0; shift -= 8)
        out += static_cast<char>((value >> shift) & 0xff);
}

template <typename Unsigned>
Unsigned take(std::string_view& in) {
    Unsigned value = 0;
    for (std::size_t index = 0; index < sizeof(Unsigned); ++index)
        value = static_cast<Unsigned>((value << 8) | static_cast<unsigned char>(in[index]));
    in.remove_prefix(sizeof(Unsigned));
    return value;
}

template <std::size_t size>
void put(std::string& out, const std::array<std::byte, size>& bytes) {
    out.append(reinterpret_cast<const char*>(bytes.data()), size);
}

template <std::size_t size>
void take(std::string_view& in, std::array<std::byte, size>& bytes) {
    std::memcpy(bytes.data(), in.data(), size);
    in.remove_prefix(size);
}

}  // namespace

std::string encode_mark(const Head& head) {
    std::string bytes(magic);
    put(bytes, head.store_id.bytes);
    put(bytes, head.seq.value);
    put(bytes, head.digest.bytes);
    put(bytes, head.result_seq.value);
    put(bytes, head.result_digest.bytes);
    bytes.resize(checksum_offset, '\0');
    put(bytes, crc32(bytes));
    return bytes;
}

std::optional<Head> decode_mark(std::string_view bytes) {
    if (bytes.size() < mark_bytes || !bytes.starts_with(magic)) return std::nullopt;
    std::string_view checksum = bytes.substr(checksum_offset, 4);
    if (take<std::uint32_t>(checksum) != crc32(bytes.substr(0, checksum_offset))) return std::nullopt;
    bytes.remove_prefix(magic.size());
    Head head;
    take(bytes, head.store_id.bytes);
    head.seq = Sequence{take<std::uint64_t>(bytes)};
    take(bytes, head.digest.bytes);
    head.result_seq = ResultSequence{take<std::uint64_t>(bytes)};
    take(bytes, head.result_digest.bytes);
    return head;
}

}  // namespace daybook
