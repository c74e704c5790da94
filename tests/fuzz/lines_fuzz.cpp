// Cutting bytes into lines: LineSource against find('\\n'), and compressed bytes that may be damaged.
//
// Input: a byte that caps the line, then the file.
#include <sstream>
#include <string>

#include <daybook/interchange/line_source.hpp>

#include "fuzz/fuzz.hpp"

namespace daybook::fuzz {

void lines(std::string_view input) {
    Bytes bytes(input);
    const std::size_t bytes_max = 1 + bytes.byte();
    const std::string_view file = bytes.rest();
    const bool zstd_skips = file.size() >= 4 && (file[0] & 0xf0) == 0x50 && file.substr(1, 3) == "\x2a\x4d\x18";
    const bool packed = file.starts_with("\x1f\x8b") || file.starts_with("\x28\xb5\x2f\xfd") || zstd_skips;
    std::istringstream stream{std::string(file)};
    LineSource source = LineSource::from_stream(stream, "input", {.line_bytes_max = bytes_max});

    std::string_view rest = file;
    std::uint64_t number = 0;
    for (std::size_t calls = 0; calls < 4'096; ++calls) {
        const Outcome line{[&] { return source.next(); }};
        if (packed) {
            if (line.refused_as(ErrorCode::invalid_line) || (line && *line == nullptr)) return;
            continue;
        }
        // The reference: cut at newlines, one '\r' before each goes, blank lines only count.
        std::string_view text;
        bool ended = false;
        bool more = false;
        while (!rest.empty() && !more) {
            const std::size_t newline = rest.find('\n');
            ended = newline != std::string_view::npos;
            text = rest.substr(0, newline);
            rest.remove_prefix(ended ? newline + 1 : rest.size());
            if (ended && text.ends_with('\r')) text.remove_suffix(1);
            ++number;
            more = text.size() > bytes_max || text.find_first_not_of(" \t\r") != std::string_view::npos;
        }
        if (!more) return require(line && *line == nullptr, "the lines end where the bytes do");
        require(source.line_number() == number, "lines are counted from 1, blank ones too");
        if (text.size() > bytes_max) {
            require(line.refused_as(ErrorCode::too_large), "a long line is refused as that");
            continue;
        }
        require(line && *line != nullptr, fmt::format("a line is there, {}", line.refusal()));
        const SourceLine read = **line;
        require_equal(read.text, text, "a line's text");
        require(read.ended == ended && read.number == number, "a line's number and end");
    }
    require(packed, "a line is taken in each call");
}

}  // namespace daybook::fuzz
