// JSON documents for property tests: with white space, escapes, odd numbers; and damaged ones.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

namespace daybook {

[[nodiscard]] inline std::string json_blanks() {
    return *rc::gen::element<std::string>("", "", "", " ", "\n", "\t\r\n ");
}

[[nodiscard]] inline std::string json_string() {
    std::string text = "\"";
    const int pieces = *rc::gen::inRange(0, 5);
    for (int i = 0; i < pieces; ++i) {
        text += *rc::gen::element<std::string>("a", "key", "plain text of some length", " ", "\\n", "\\\"", "\\\\",
                                               "\\/", "\\u0041", "\\u0000", "\\uD83D\\uDE00", "\xc3\xa4",
                                               "\xe2\x82\xac", "\xf0\x9f\x98\x80", "{[", "]},:", "\x7f");
    }
    return text + "\"";
}

[[nodiscard]] inline std::string json_value(int depth) {
    const int kind = *rc::gen::inRange(0, depth > 0 ? 7 : 4);
    if (kind == 0) return *rc::gen::element<std::string>("true", "false", "null");
    if (kind <= 2) {
        return *rc::gen::element<std::string>("0", "-0", "1", "-17", "1.0", "0.5e-3", "1E+2", "1234567890123456789",
                                              "0.1", "3.5e300", "1e-30");
    }
    if (kind == 3) return json_string();
    const bool object = kind >= 5;
    std::string text = object ? "{" : "[";
    const int count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i) {
        if (i > 0) text += "," + json_blanks();
        // A number of its own in front makes each key unlike the others.
        if (object) text += json_blanks() + "\"" + std::to_string(i) + json_string().substr(1) + json_blanks() + ":";
        text += json_blanks() + json_value(depth - 1) + json_blanks();
    }
    if (count == 0) text += json_blanks();
    return text + (object ? "}" : "]");
}

[[nodiscard]] inline rc::Gen<std::string> json_documents() {
    return rc::gen::exec([] { return json_blanks() + json_value(4) + json_blanks(); });
}

/// Good documents of which some bytes were changed, taken out or put in.
[[nodiscard]] inline rc::Gen<std::string> damaged_json_documents() {
    return rc::gen::exec([] {
        std::string text = json_value(3);
        const int faults = *rc::gen::inRange(0, 3);
        for (int i = 0; i < faults && !text.empty(); ++i) {
            const auto place = *rc::gen::inRange<std::size_t>(0, text.size());
            const char byte = *rc::gen::element('"', '\\', '{', '}', '[', ']', ',', ':', '0', '1', '-', '.', 'e', ' ',
                                                'u', 'n', '\n', '\x01', '\xff', '\xc3', '\xa4', 'd');
            switch (*rc::gen::inRange(0, 3)) {
                case 0:
                    text[place] = byte;
                    break;
                case 1:
                    text.erase(place, 1);
                    break;
                default:
                    text.insert(place, 1, byte);
                    break;
            }
        }
        return text;
    });
}

}  // namespace daybook
