// Numbers and digests that name a place in the log. Strong types, so that none is taken for another.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <daybook/event/uuid.hpp>

namespace daybook {

/// Place of an event in the one global order. The first event has 1; 0 means "before the first".
struct Sequence {
    std::uint64_t value = 0;
    auto operator<=>(const Sequence&) const = default;
};

/// Place of a row in event_results_log, counted from 1. An order of its own.
struct ResultSequence {
    std::uint64_t value = 0;
    auto operator<=>(const ResultSequence&) const = default;
};

/// Place of an event in its stream, counted from 1; 0 means "the stream is empty".
struct Version {
    std::uint64_t value = 0;
    auto operator<=>(const Version&) const = default;
};

/// A SHA-256 value. All zeros is the digest before the first row of a chain.
struct Digest {
    std::array<std::byte, 32> bytes{};
    bool operator==(const Digest&) const = default;

    [[nodiscard]] std::string to_hex() const;
    /// Throws Error: invalid_argument - not 64 hexadecimal digits.
    [[nodiscard]] static Digest from_hex(std::string_view hex);
};

/// A position that may be kept outside the log: it proves to which history it belongs.
struct Position {
    Uuid store_id;
    Sequence seq;
    Digest digest;
    bool operator==(const Position&) const = default;
};

/// Both chains' ends. `to_line` and `from_line` are the one line that `daybook head` prints:
/// `daybook-head:v1 store=UUID seq=N digest=HEX result_seq=N result_digest=HEX`.
struct Head {
    Uuid store_id;
    Sequence seq;
    Digest digest;
    ResultSequence result_seq;
    Digest result_digest;
    bool operator==(const Head&) const = default;

    [[nodiscard]] Position position() const { return {store_id, seq, digest}; }
    [[nodiscard]] std::string to_line() const;
    /// Reads a line written by to_line(). Throws Error: invalid_argument - it names the field that is wrong.
    [[nodiscard]] static Head from_line(std::string_view line);
};

}  // namespace daybook
