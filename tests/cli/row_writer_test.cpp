// Tests of rows as JSON, JSON Lines, CSV and tables.
#include <catch2/catch.hpp>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include <array>

#include "cli/row_writer.hpp"

using namespace daybook;
using namespace daybook::cli;

namespace {

// What `write` sends to an Output that is no terminal.
template <typename Write>
std::string written(Write write) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    {
        Output output(ends[1], false);
        write(output);
        output.flush();
    }
    ::close(ends[1]);
    std::string text(65536, '\0');
    const ssize_t got = ::read(ends[0], text.data(), text.size());
    ::close(ends[0]);
    text.resize(static_cast<std::size_t>(got));
    return text;
}

std::string rows_as(Format format, const std::vector<std::string>& columns,
                    const std::vector<std::vector<SqlValue>>& rows) {
    return written([&](Output& output) {
        RowWriter writer(output, format, columns);
        for (const auto& row : rows) writer.row(row);
        writer.finish();
    });
}

}  // namespace

TEST_CASE("rows: JSON keeps types apart: text is a string, a blob is hex, NULL is null") {
    const std::string text =
        rows_as(Format::json, {"i", "r", "t", "b", "n"},
                {{std::int64_t{9223372036854775807}, 0.1, std::string("7"), SqlBlob{std::string("\x00\xff", 2)}, {}}});
    CHECK(text == "[\n{\"i\":9223372036854775807,\"r\":0.1,\"t\":\"7\",\"b\":\"00ff\",\"n\":null}\n]\n");
}

TEST_CASE("rows: a REAL reads back to the same number") {
    for (const double value : {0.1, 1.0, 1e300, 5e-324, 123456789.123456789, -0.0}) {
        const std::string text = cell_json(value);
        INFO(text);
        const auto parsed = nlohmann::json::parse(text);
        CHECK(parsed.is_number_float());
        CHECK(parsed.get<double>() == value);
    }
}

TEST_CASE("rows: no rows are an empty JSON array") {
    CHECK(rows_as(Format::json, {"a"}, {}) == "[]\n");
}

TEST_CASE("rows: two columns of one name both keep their value") {
    CHECK(rows_as(Format::jsonl, {"a", "a"}, {{std::int64_t{1}, std::int64_t{2}}}) == "{\"a\":1,\"a_2\":2}\n");
}

TEST_CASE("rows: CSV quotes what needs it") {
    CHECK(rows_as(Format::csv, {"a", "b"}, {{std::string("x,\"y\"\n"), std::int64_t{-5}}}) ==
          "a,b\r\n\"x,\"\"y\"\"\n\",-5\r\n");
}

TEST_CASE("rows: CSV text that a spreadsheet would run as a formula is defused, a number is not") {
    CHECK(cell_csv(std::string("=1+1")) == "'=1+1");
    CHECK(cell_csv(std::string("@x")) == "'@x");
    CHECK(cell_csv(std::string("-2")) == "'-2");
    CHECK(cell_csv(std::string("+2")) == "'+2");
    CHECK(cell_csv(std::int64_t{-2}) == "-2");
}

TEST_CASE("rows: a table is aligned, numbers to the right, by columns on the screen") {
    const std::string text = rows_as(Format::table, {"name", "points"},
                                     {{std::string("日本"), std::int64_t{5}}, {std::string("Ada"), std::int64_t{12}}});
    CHECK(text == "name  points\n────  ──────\n日本       5\nAda       12\n");
}

TEST_CASE("rows: a cell with a newline stays one line of the table") {
    CHECK(rows_as(Format::table, {"t"}, {{std::string("a\nb")}}) == "t\n────\na\\nb\n");
}
