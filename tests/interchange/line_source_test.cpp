// Lines of files, pipes and streams: endings, numbers, caps, gzip and zstd, whole and damaged.
#include <daybook/interchange/line_source.hpp>

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include <unistd.h>

#include <daybook/event/error.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "interchange_kit.hpp"

namespace daybook {
namespace {

using testkit::TempDirectory;
using Numbered = std::pair<std::uint64_t, std::string>;

std::vector<Numbered> lines_of(LineSource source) {
    std::vector<Numbered> lines;
    while (const SourceLine* line = source.next()) lines.emplace_back(line->number, std::string(line->text));
    return lines;
}

std::vector<Numbered> lines_of_text(const std::string& text) {
    std::istringstream stream(text);
    return lines_of(LineSource::from_stream(stream, "text"));
}

TEST_CASE("lines: neither newline nor carriage return belongs to a line") {
    CHECK(lines_of_text("a\nb\r\nc\r\n") == std::vector<Numbered>{{1, "a"}, {2, "b"}, {3, "c"}});
}

TEST_CASE("lines: a last line without a newline is a line, and says so") {
    std::istringstream stream("a\nb");
    LineSource source = LineSource::from_stream(stream, "text");
    CHECK(source.next()->ended);
    const SourceLine* last = source.next();
    REQUIRE(last != nullptr);
    CHECK(last->text == "b");
    CHECK_FALSE(last->ended);
    CHECK(source.next() == nullptr);
    CHECK(source.next() == nullptr);
}

TEST_CASE("lines: blank ones are passed over, but numbered") {
    CHECK(lines_of_text("\na\n \t\r\n\n\nb\n\n") == std::vector<Numbered>{{2, "a"}, {6, "b"}});
}

TEST_CASE("lines: an empty input has none") {
    CHECK(lines_of_text("").empty());
    CHECK(lines_of_text("\n\n").empty());
}

TEST_CASE("lines: a line as long as the cap is read, one byte more is refused with line and bytes") {
    std::istringstream stream("a\n" + std::string(100, 'x') + "\r\n" + std::string(101, 'y') + "\nb\n");
    LineSource source = LineSource::from_stream(stream, "text", {.line_bytes_max = 100});
    CHECK(source.next()->text == "a");
    CHECK(source.next()->text.size() == 100);
    const Error error = error_of([&] { static_cast<void>(source.next()); });
    CHECK(error.code() == ErrorCode::too_large);
    CHECK_THAT(error.what(), Catch::Contains("text:3") && Catch::Contains("101") && Catch::Contains("100"));
}

TEST_CASE("lines: reading goes on behind a line over the cap") {
    std::istringstream stream(std::string(1'000'000, 'x') + "\nb\n" + std::string(500'000, 'z'));
    LineSource source = LineSource::from_stream(stream, "text", {.line_bytes_max = 1000});
    CHECK(error_of([&] { static_cast<void>(source.next()); }).code() == ErrorCode::too_large);
    const SourceLine* line = source.next();
    REQUIRE(line != nullptr);
    CHECK(line->text == "b");
    CHECK(line->number == 2);
    CHECK(error_of([&] { static_cast<void>(source.next()); }).code() == ErrorCode::too_large);
    CHECK(source.next() == nullptr);
}

TEST_CASE("lines: many lines over many reads come whole") {
    std::string text;
    std::vector<Numbered> expected;
    for (std::uint64_t i = 1; i <= 20'000; ++i) {
        expected.emplace_back(i, std::string(1 + i % 97, static_cast<char>('a' + i % 26)));
        text += expected.back().second + (i % 3 == 0 ? "\r\n" : "\n");
    }
    CHECK(lines_of_text(text) == expected);
}

TEST_CASE("lines: gzip is told by its first bytes, whatever the name") {
    TempDirectory directory;
    write_file(directory / "plain.txt", gzipped("a\nb\n"));
    CHECK(lines_of(LineSource::open(directory / "plain.txt")) == std::vector<Numbered>{{1, "a"}, {2, "b"}});
}

TEST_CASE("lines: gzip members after each other are one input") {
    TempDirectory directory;
    write_file(directory / "x.gz", gzipped("a\nb") + gzipped("") + gzipped("c\nd\n"));
    CHECK(lines_of(LineSource::open(directory / "x.gz")) == std::vector<Numbered>{{1, "a"}, {2, "bc"}, {3, "d"}});
}

TEST_CASE("lines: zstd frames after each other are one input") {
    TempDirectory directory;
    write_file(directory / "x", zstd_compressed("a\nb") + zstd_compressed("c\nd\n"));
    CHECK(lines_of(LineSource::open(directory / "x")) == std::vector<Numbered>{{1, "a"}, {2, "bc"}, {3, "d"}});
}

TEST_CASE("lines: large compressed input comes out as it went in") {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
    TempDirectory directory;
    write_file(directory / "x.gz", gzipped(text));
    write_file(directory / "x.zst", zstd_compressed(text));
    const std::vector<Numbered> plain = lines_of_text(text);
    REQUIRE(plain.size() == 200'000);
    CHECK(lines_of(LineSource::open(directory / "x.gz")) == plain);
    CHECK(lines_of(LineSource::open(directory / "x.zst")) == plain);
}

void check_cut_short(const std::string& compressed) {
    TempDirectory directory;
    write_file(directory / "cut", compressed.substr(0, compressed.size() - 9));
    LineSource source = LineSource::open(directory / "cut");
    std::uint64_t whole = 0;
    const Error error = error_of([&] {
        while (source.next() != nullptr) ++whole;
    });
    CHECK(error.code() == ErrorCode::invalid_line);
    CHECK_THAT(error.what(), Catch::Contains("cut short") && Catch::Contains("cut:" + std::to_string(whole + 1)));
    CHECK(error_of([&] { static_cast<void>(source.next()); }).code() == ErrorCode::invalid_line);
}

TEST_CASE("lines: gzip that is cut short is an error that names the line") {
    check_cut_short(gzipped("a\nb\nc\n"));
}

TEST_CASE("lines: zstd that is cut short is an error that names the line") {
    check_cut_short(zstd_compressed("a\nb\nc\n"));
}

TEST_CASE("lines: compressed bytes that are damaged are an error") {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += std::to_string(i * 7919) + "\n";
    for (std::string bytes : {gzipped(text), zstd_compressed(text)}) {
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
        std::istringstream stream(bytes);
        LineSource source = LineSource::from_stream(stream, "damaged");
        const Error error = error_of([&] {
            while (source.next() != nullptr) {
            }
        });
        CHECK(error.code() == ErrorCode::invalid_line);
        CHECK_THAT(error.what(), Catch::Contains("damaged:"));
    }
}

TEST_CASE("lines: what follows a gzip member and is no member is an error, zeros are padding") {
    CHECK(lines_of_text(gzipped("a\n") + std::string(600, '\0')) == std::vector<Numbered>{{1, "a"}});
    CHECK(error_of([] { static_cast<void>(lines_of_text(gzipped("a\n") + "rubbish")); }).code() ==
          ErrorCode::invalid_line);
}

TEST_CASE("lines: a pipe is read to its end and the descriptor stays open") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const std::string bytes = gzipped("a\nb\n");
    REQUIRE(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::close(ends[1]);
    CHECK(lines_of(LineSource::from_descriptor(ends[0], "stdin")) == std::vector<Numbered>{{1, "a"}, {2, "b"}});
    CHECK(::close(ends[0]) == 0);
}

TEST_CASE("lines: a file tells its size, its real path and how much of it was read") {
    TempDirectory directory;
    write_file(directory / "real.jsonl", "a\nb\n");
    std::filesystem::create_symlink("real.jsonl", directory / "link.jsonl");
    LineSource source = LineSource::open(directory / "link.jsonl");
    CHECK(source.bytes_total() == 4);
    CHECK(source.real_path() == std::filesystem::canonical(directory / "real.jsonl"));
    while (source.next() != nullptr) {
    }
    CHECK(source.bytes_read() == 4);
    CHECK(source.line_number() == 2);
}

TEST_CASE("lines: a missing file, a directory and a wrong cap each have their own error") {
    TempDirectory directory;
    CHECK(error_of([&] { static_cast<void>(LineSource::open(directory / "no")); }).code() == ErrorCode::no_such_file);
    CHECK(error_of([&] { static_cast<void>(LineSource::open(directory.path())); }).code() ==
          ErrorCode::unsupported_path);
    std::istringstream stream;
    CHECK(error_of([&] { static_cast<void>(LineSource::from_stream(stream, "s", {.line_bytes_max = 0})); }).code() ==
          ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace daybook
