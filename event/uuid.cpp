#include <daybook/event/uuid.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <span>

#include <daybook/event/clock.hpp>
#include <daybook/event/error.hpp>
#include <daybook/event/random_source.hpp>

#include "event/hex.hpp"

namespace daybook {
namespace {

constexpr bool is_hyphen_place(std::size_t index) {
    return index == 8 || index == 13 || index == 18 || index == 23;
}

void set_version(Uuid& uuid, unsigned version) {
    uuid.bytes[6] = (uuid.bytes[6] & std::byte{0x0f}) | static_cast<std::byte>(version << 4);
    uuid.bytes[8] = (uuid.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
}

}  // namespace

std::string Uuid::to_string() const {
    std::string text(36, '-');
    std::size_t place = 0;
    for (const std::byte byte : bytes) {
        if (is_hyphen_place(place)) ++place;
        text[place++] = hex_digits[std::to_integer<std::size_t>(byte >> 4)];
        text[place++] = hex_digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
    if (text.size() != 36) return std::nullopt;
    Uuid uuid;
    std::size_t place = 0;
    for (std::byte& byte : uuid.bytes) {
        if (is_hyphen_place(place) && text[place++] != '-') return std::nullopt;
        const int high = hex_value(text[place++]);
        const int low = hex_value(text[place++]);
        if (high < 0 || low < 0) return std::nullopt;
        byte = static_cast<std::byte>(high * 16 + low);
    }
    return uuid;
}

Uuid uuid_v5(const Uuid& name_space, std::string_view name) {
    std::string input;
    input.reserve(name_space.bytes.size() + name.size());
    for (const std::byte byte : name_space.bytes) input += static_cast<char>(byte);
    input += name;
    std::array<unsigned char, EVP_MAX_MD_SIZE> sha1{};
    if (EVP_Digest(input.data(), input.size(), sha1.data(), nullptr, EVP_sha1(), nullptr) != 1) {
        throw Error(ErrorCode::internal, "make a UUIDv5: libcrypto refused SHA-1");
    }
    Uuid uuid;
    std::transform(sha1.begin(), sha1.begin() + 16, uuid.bytes.begin(),
                   [](unsigned char byte) { return static_cast<std::byte>(byte); });
    set_version(uuid, 5);
    return uuid;
}

Uuid uuid_v4(RandomSource& random) {
    Uuid uuid;
    random.fill(uuid.bytes);
    set_version(uuid, 4);
    return uuid;
}

UuidV7Generator::UuidV7Generator(Clock& clock, RandomSource& random) : clock_(clock), random_(random) {}

// RFC 9562, section 6.2, method 1: the 12 bits of rand_a are a counter within one millisecond. It starts at a
// random value whose top bit is 0, so that 2,048 ids or more fit before the timestamp has to run ahead.
Uuid UuidV7Generator::next() {
    constexpr std::uint32_t counter_max = 0xfff;
    constexpr std::uint32_t start_max = 0x7ff;

    Uuid uuid;
    const std::lock_guard lock(mutex_);
    random_.fill(std::span(uuid.bytes).subspan(6));
    const std::int64_t now_ms = clock_.now().ns / 1'000'000;
    const std::uint64_t ms = now_ms < 0 ? 0 : static_cast<std::uint64_t>(now_ms);
    const std::uint32_t random_start =
        (std::to_integer<std::uint32_t>(uuid.bytes[6]) << 8 | std::to_integer<std::uint32_t>(uuid.bytes[7])) &
        start_max;
    if (ms > last_ms_) {
        last_ms_ = ms;
        counter_ = random_start;
    } else if (counter_ < counter_max) {
        ++counter_;
    } else {
        ++last_ms_;
        counter_ = random_start;
    }
    for (std::size_t i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::byte>(last_ms_ >> (40 - 8 * i) & 0xff);
    uuid.bytes[6] = static_cast<std::byte>(counter_ >> 8);
    uuid.bytes[7] = static_cast<std::byte>(counter_ & 0xff);
    set_version(uuid, 7);
    return uuid;
}

}  // namespace daybook
