// One pass over JSON text, without recursion and without an allocation for ordinary texts.
//
// The promised order of the checks (size, UTF-8, nesting, grammar, keys, numbers, surrogates) is kept without
// a pass for each: good text fails none of them, so only when the pass stops is it looked up which check
// comes first.
#include "event/json_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <system_error>
#include <vector>

#include <daybook/event/json_text.hpp>

#include "event/json_bytes.hpp"
#include "event/json_walk.hpp"
#include "event/utf8.hpp"

namespace daybook {
namespace {

constexpr std::size_t npos = std::string_view::npos;

// Whether a number that is well formed is beyond the range of a double. Too small is not: that is 0.
bool is_beyond_double(std::string_view number) noexcept {
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc::result_out_of_range) return false;
    // from_chars says "out of range" for both ends; the power of ten of the first digit that is not 0 tells
    // which.
    std::int64_t power = 0;
    bool seen = false;
    bool fraction = false;
    std::size_t at = 0;
    for (; at < number.size() && number[at] != 'e' && number[at] != 'E'; ++at) {
        if (number[at] == '.') fraction = true;
        if (!is_digit(number[at])) continue;
        if (!fraction && seen) ++power;
        if (fraction && !seen) --power;
        if (number[at] != '0') seen = true;
    }
    if (at < number.size()) {
        const bool negative = number[at + 1] == '-';
        std::int64_t exponent = 0;
        for (; at < number.size(); ++at) {
            if (is_digit(number[at]) && exponent < 1'000'000'000'000) exponent = exponent * 10 + (number[at] - '0');
        }
        power += negative ? -exponent : exponent;
    }
    return power > 0;
}

// Nesting as brackets alone tell it; where it first goes over `nesting_max`, or npos.
std::size_t find_too_deep(std::string_view text, std::size_t nesting_max) noexcept {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > nesting_max) return i;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return npos;
}

// Bytes that minifying would leave.
std::size_t significant_bytes(std::string_view text) noexcept {
    std::size_t bytes = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string || !is_space(c)) ++bytes;
        if (in_string && c == '\\' && i + 1 < text.size()) {
            ++i;
            ++bytes;
        } else if (c == '"') {
            in_string = !in_string;
        }
    }
    return bytes;
}

class Checker {
  public:
    Checker(std::string_view text, const JsonCheck& check, std::string* minified)
        : check_(check),
          minified_(minified),
          begin_(text.data()),
          at_(text.data()),
          end_(text.data() + text.size()),
          run_(text.data()) {}

    bool run() {
        const std::size_t size = static_cast<std::size_t>(end_ - begin_);
        if (size > check_.bytes_max) {
            const std::size_t bytes = significant_bytes({begin_, size});
            if (bytes > check_.bytes_max) {
                throw Error(ErrorCode::too_large, fmt::format("read {}: it has {} bytes, the cap is {}", check_.what,
                                                              bytes, check_.bytes_max));
            }
        }
        keys_.reserve(48);
        levels_.reserve(16);
        value_loop();
        skip_space();
        if (at_ != end_) fail("something follows the value");
        if (!late_.detail.empty()) refuse(late_.code, late_.offset, late_.detail);
        if (minified_ != nullptr) minified_->append(run_, end_);
        return !space_;
    }

  private:
    struct Key {
        std::string_view text;  // unescaped, without quotes
        std::size_t offset = 0;
    };
    struct Level {
        std::size_t first_key = 0;
        bool object = false;
    };
    // A fault that gives way to one of grammar: kept until the end of the text.
    struct Late {
        ErrorCode code = ErrorCode::invalid_json;
        int rank = 9;
        std::size_t offset = 0;
        std::string detail;
    };

    [[nodiscard]] std::size_t offset(const char* at) const { return static_cast<std::size_t>(at - begin_); }

    [[noreturn]] void refuse(ErrorCode code, std::size_t byte, std::string_view detail) const {
        throw Error(code, fmt::format("read {}: {} at byte {}", check_.what, detail, byte));
    }

    // A fault of grammar here; one of UTF-8 or nesting anywhere comes first.
    [[noreturn]] void fail(std::string_view detail) const {
        const std::string_view text(begin_, offset(end_));
        if (const std::size_t byte = find_invalid_utf8(text); byte != npos) {
            refuse(ErrorCode::invalid_utf8, byte, "not UTF-8");
        }
        if (const std::size_t byte = find_too_deep(text, check_.nesting_max); byte != npos) {
            refuse(ErrorCode::too_deep, byte, fmt::format("nested deeper than {} levels", check_.nesting_max));
        }
        refuse(check_.grammar_code, offset(at_), detail);
    }

    void note(int rank, ErrorCode code, std::size_t byte, std::string detail) {
        if (rank > late_.rank || (rank == late_.rank && byte >= late_.offset)) return;
        late_ = {code, rank, byte, std::move(detail)};
    }

    void skip_space() {
        if (at_ == end_ || !is_space(*at_)) return;
        space_ = true;
        if (minified_ != nullptr) minified_->append(run_, at_);
        do ++at_;
        while (at_ != end_ && is_space(*at_));
        run_ = at_;
    }

    // The whole text, as a loop over "a value is due" and "a value is done".
    void value_loop() {
        for (;;) {
            skip_space();
            if (at_ == end_) fail(begin_ == end_ ? "it is empty" : "a value is missing");
            switch (*at_) {
                case '{':
                    open(true);
                    skip_space();
                    if (at_ != end_ && *at_ == '}') break;
                    key();
                    continue;
                case '[':
                    open(false);
                    skip_space();
                    if (at_ != end_ && *at_ == ']') break;
                    continue;
                case '"':
                    string();
                    break;
                case 't':
                    word("true");
                    break;
                case 'f':
                    word("false");
                    break;
                case 'n':
                    word("null");
                    break;
                default:
                    number();
                    break;
            }
            if (!go_on()) return;
        }
    }

    // After a value: closes what ends here and steps to the next value. False at the end of the outermost
    // one.
    bool go_on() {
        for (;;) {
            if (levels_.empty()) return false;
            skip_space();
            const bool object = levels_.back().object;
            if (at_ == end_) fail(object ? "the object is not closed" : "the array is not closed");
            if (*at_ == ',') {
                ++at_;
                if (object) {
                    skip_space();
                    key();
                }
                return true;
            }
            if (*at_ != (object ? '}' : ']')) fail(object ? "',' or '}' is missing" : "',' or ']' is missing");
            ++at_;
            close();
        }
    }

    void open(bool object) {
        if (levels_.size() >= check_.nesting_max) {
            if (const std::size_t byte = find_invalid_utf8({begin_, offset(end_)}); byte != npos) {
                refuse(ErrorCode::invalid_utf8, byte, "not UTF-8");
            }
            refuse(ErrorCode::too_deep, offset(at_), fmt::format("nested deeper than {} levels", check_.nesting_max));
        }
        levels_.push_back({keys_.size(), object});
        ++at_;
    }

    void close() {
        const Level level = levels_.back();
        levels_.pop_back();
        if (!level.object) return;
        check_keys(level.first_key);
        keys_.resize(level.first_key);
    }

    void key() {
        if (at_ == end_ || *at_ != '"') fail("a key in double quotes is missing");
        const char* const start = at_;
        const bool escaped = string();
        std::string_view text(start + 1, static_cast<std::size_t>(at_ - start) - 2);
        if (escaped) {
            auto* const copy = static_cast<char*>(memory_.allocate(text.size(), 1));
            text = {copy, static_cast<std::size_t>(unescape_json_into(copy, text) - copy)};
        }
        keys_.push_back({text, offset(start)});
        skip_space();
        if (at_ == end_ || *at_ != ':') fail("':' is missing after a key");
        ++at_;
    }

    void check_keys(std::size_t first) {
        const std::size_t count = keys_.size() - first;
        if (count < 2) return;
        Key* const keys = keys_.data() + first;
        if (count <= 16) {
            // Most keys differ in length or at their ends: one bit for each such look spares the comparing.
            std::uint64_t looks = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint64_t look = std::uint64_t{1} << look_of(keys[i].text);
                for (std::size_t j = 0; (looks & look) != 0 && j < i; ++j) {
                    if (keys[i].text == keys[j].text) return note_duplicate(keys[i]);
                }
                looks |= look;
            }
            return;
        }
        std::sort(keys, keys + count, [](const Key& a, const Key& b) {
            if (a.text.size() != b.text.size()) return a.text.size() < b.text.size();
            const int order = a.text.compare(b.text);
            return order != 0 ? order < 0 : a.offset < b.offset;
        });
        for (std::size_t i = 1; i < count; ++i) {
            if (keys[i].text == keys[i - 1].text) note_duplicate(keys[i]);
        }
    }

    static unsigned look_of(std::string_view key) {
        if (key.empty()) return 0;
        const auto first = static_cast<unsigned char>(key.front());
        const auto last = static_cast<unsigned char>(key.back());
        return (static_cast<unsigned>(key.size()) * 7 + first * 3U + last) % 64;
    }

    void note_duplicate(const Key& key) {
        note(0, ErrorCode::duplicate_key, key.offset,
             fmt::format("key {} named twice in one object", quote_json(key.text.substr(0, shown_bytes(key.text)))));
    }

    // As much of a key as a message repeats, cut between characters.
    static std::size_t shown_bytes(std::string_view text) {
        std::size_t bytes = std::min<std::size_t>(text.size(), 64);
        while (bytes > 0 && bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
        return bytes;
    }

    // Returns whether the string has an escape.
    bool string() {
        const char* const start = at_++;
        bool escaped = false;
        for (;;) {
            at_ = skip_plain(at_, end_);
            if (at_ == end_) {
                at_ = start;
                fail("a string is not closed");
            }
            const auto byte = static_cast<unsigned char>(*at_);
            if (byte == '"') {
                ++at_;
                return escaped;
            }
            if (byte == '\\') {
                escaped = true;
                escape();
            } else if (byte < 0x20) {
                fail(fmt::format("a control character (0x{:02x}) in a string must be escaped", byte));
            } else {
                do {
                    const std::size_t bytes = utf8_sequence_bytes(at_, end_);
                    if (bytes == 0) refuse(ErrorCode::invalid_utf8, offset(at_), "not UTF-8");
                    at_ += bytes;
                } while (at_ != end_ && static_cast<unsigned char>(*at_) >= 0x80);
            }
        }
    }

    void escape() {
        const char* const start = at_;
        if (end_ - at_ < 2) fail("a string is not closed");
        const char kind = at_[1];
        if (std::strchr("\"\\/bfnrt", kind) != nullptr && kind != '\0') {
            at_ += 2;
            return;
        }
        if (kind != 'u') fail("an escape that JSON does not know");
        const int unit = code_unit(at_ + 2, end_);
        if (unit < 0) fail("\\u needs four hexadecimal digits");
        at_ += 6;
        if (unit < 0xd800 || unit > 0xdfff) return;
        if (unit < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
            const int low = code_unit(at_ + 2, end_);
            if (low >= 0xdc00 && low <= 0xdfff) {
                at_ += 6;
                return;
            }
        }
        note(2, check_.grammar_code, offset(start), "an escaped surrogate without its other half");
    }

    void word(std::string_view wanted) {
        const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
        if (!rest.starts_with(wanted)) fail("not a JSON value");
        at_ += wanted.size();
    }

    void digits() {
        if (at_ == end_ || !is_digit(*at_)) fail("a digit is missing in a number");
        while (at_ != end_ && is_digit(*at_)) ++at_;
    }

    void number() {
        const char* const start = at_;
        if (*at_ != '-' && !is_digit(*at_)) {
            fail(std::string_view(at_, offset(end_) - offset(at_)).starts_with("\xef\xbb\xbf")
                     ? "a byte order mark is not JSON"
                     : "not a JSON value");
        }
        if (*at_ == '-') ++at_;
        if (at_ != end_ && *at_ == '0') {
            ++at_;
            if (at_ != end_ && is_digit(*at_)) fail("a number with a leading zero");
        } else {
            digits();
        }
        if (at_ != end_ && *at_ == '.') {
            ++at_;
            digits();
        }
        bool exponent = false;
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            exponent = true;
            ++at_;
            if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
            digits();
        }
        // 308 digits without an exponent cannot reach 1e309.
        if (!exponent && at_ - start <= 308) return;
        if (is_beyond_double({start, static_cast<std::size_t>(at_ - start)})) {
            note(1, ErrorCode::number_out_of_range, offset(start), "a number beyond the range of a double");
        }
    }

    const JsonCheck& check_;
    std::string* minified_;
    const char* begin_;
    const char* at_;
    const char* end_;
    const char* run_;  // what begins here is not yet in minified_
    bool space_ = false;
    Late late_;
    // Keys and levels of an ordinary event fit on the stack.
    std::array<std::byte, 4096> buffer_;
    std::pmr::monotonic_buffer_resource memory_{buffer_.data(), buffer_.size()};
    std::pmr::vector<Key> keys_{&memory_};
    std::pmr::vector<Level> levels_{&memory_};
};

}  // namespace

bool check_json(std::string_view text, const JsonCheck& check, std::string* minified) {
    return Checker(text, check, minified).run();
}

}  // namespace daybook
