// What every fuzz target shares: the list of targets, and checks that hold or end the run.
//
// A target is one function over bytes. libFuzzer drives it (libfuzzer_entry.cpp), and the ordinary test suite runs it
// over the kept corpus (corpus_test.cpp). How to run and replay: docs/internals/fuzzing.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

namespace daybook::fuzz {

void json(std::string_view input);
void import_line(std::string_view input);
void lines(std::string_view input);
void pattern(std::string_view input);
void time(std::string_view input);
void journal(std::string_view input);
void journal_reader(std::string_view input);
void operations(std::string_view input);
void database(std::string_view input);
void console(std::string_view input);
void command_line(std::string_view input);

struct Target {
    std::string_view name;  ///< also of its folder in corpus/
    void (*run)(std::string_view input);
};
inline constexpr Target targets[] = {
    {"json", json},
    {"import_line", import_line},
    {"lines", lines},
    {"pattern", pattern},
    {"time", time},
    {"journal", journal},
    {"journal_reader", journal_reader},
    {"operations", operations},
    {"database", database},
    {"console", console},
    {"command_line", command_line},
};

/// A property that does not hold: nobody catches it but libFuzzer and Catch2.
class Violation : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

inline void require(bool holds, std::string_view property) {
    if (!holds) throw Violation(std::string(property));
}

/// Says both values, quoted, when they differ.
inline void require_equal(std::string_view actual, std::string_view expected, std::string_view property) {
    if (actual == expected) return;
    throw Violation(fmt::format("{}: {} is not {}", property, quote_json(replace_invalid_utf8(actual)),
                                quote_json(replace_invalid_utf8(expected))));
}

/// Every Error must be one that a caller can act on: of a code that says something and with a message that can be printed.
inline void require_proper(const Error& error) {
    const std::string_view message = error.what();
    require(error.code() != ErrorCode::internal && error.code() != ErrorCode::out_of_memory,
            fmt::format("an Error names the caller's trouble: {}", message));
    require(message.size() < 4'096, fmt::format("a message is short: {}", message.substr(0, 200)));
    require(find_invalid_utf8(message) == std::string_view::npos,
            fmt::format("a message is UTF-8: {}", quote_json(replace_invalid_utf8(message))));
}

/// What `call` returns, or the code of the Error that it throws.
template <typename Call>
class Outcome {
  public:
    using Value = decltype(std::declval<Call&>()());

    explicit Outcome(Call call) {
        try {
            value_ = call();
            ok_ = true;
        } catch (const Error& error) {
            require_proper(error);
            code_ = error.code();
        }
    }
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    explicit operator bool() const noexcept { return ok_; }
    [[nodiscard]] const Value& operator*() const { return value_; }
    [[nodiscard]] const Value* operator->() const { return &value_; }
    [[nodiscard]] Value take() { return std::move(value_); }
    /// Whether it was refused for one of these reasons.
    template <typename... Codes>
    [[nodiscard]] bool refused_as(Codes... codes) const noexcept {
        return !ok() && ((code_ == codes) || ...);
    }
    [[nodiscard]] std::string_view refusal() const noexcept { return ok() ? "accepted" : to_string(code_); }

  private:
    Value value_{};
    bool ok_ = false;
    ErrorCode code_ = ErrorCode::internal;
};

/// Takes numbers and texts off the front of an input; zeros and empty texts when it is used up.
class Bytes {
  public:
    explicit Bytes(std::string_view input) : rest_(input) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    [[nodiscard]] unsigned byte() {
        if (rest_.empty()) return 0;
        const auto value = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    /// 0 .. below-1.
    [[nodiscard]] unsigned below(unsigned below) { return byte() % below; }
    /// Little-endian.
    [[nodiscard]] std::uint64_t number(unsigned bytes) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{byte()} << 8 * i;
        return value;
    }
    [[nodiscard]] std::string_view text(std::size_t bytes) {
        const std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    /// Up to `end`, which is taken too, or all.
    [[nodiscard]] std::string_view until(char end) {
        const std::size_t at = std::min(rest_.find(end), rest_.size());
        const std::string_view taken = rest_.substr(0, at);
        rest_.remove_prefix(std::min(at + 1, rest_.size()));
        return taken;
    }

  private:
    std::string_view rest_;
};

}  // namespace daybook::fuzz
