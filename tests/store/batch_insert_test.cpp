#include "store/batch_insert.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/testkit/temp_directory.hpp>

using namespace daybook;

namespace {

struct Table {
    testkit::TempDirectory directory;
    Connection connection{(directory / "x.db").string(), {.writable = true, .create = true}};
    Table() { connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY CHECK (a <> 13), b TEXT)"); }
};

}  // namespace

TEST_CASE("batch insert: any number of rows is there, each once and with its own columns") {
    Table table;
    BatchInsert insert(table.connection, "INSERT INTO t", "a, b");
    const std::size_t rows = GENERATE(0U, 1U, 3U, 4U, 7U, 15U, 16U, 17U, 21U, 64U, 100U);
    std::vector<std::string> texts;
    for (std::size_t row = 0; row < rows; ++row) texts.push_back("text " + std::to_string(row));
    std::size_t bound = 0;
    insert.run(rows, [&](Statement& statement, int parameter, std::size_t row) {
        CHECK(row == bound++);
        statement.bind(parameter, std::int64_t{1'000} + static_cast<std::int64_t>(row));
        statement.bind(parameter + 1, std::string_view(texts[row]));
    });
    Statement read(table.connection, "SELECT a, b FROM t ORDER BY a");
    for (std::size_t row = 0; row < rows; ++row) {
        REQUIRE(read.step());
        CHECK(read.unsigned_integer(0) == 1'000 + row);
        CHECK(read.text(1) == texts[row]);
    }
    CHECK_FALSE(read.step());
}

TEST_CASE("batch insert: a row that is refused is an error, and the next call begins anew") {
    Table table;
    BatchInsert insert(table.connection, "INSERT INTO t", "a, b");
    const auto from = [&](std::int64_t first, std::size_t rows) {
        insert.run(rows, [&](Statement& statement, int parameter, std::size_t row) {
            statement.bind(parameter, first + static_cast<std::int64_t>(row)).bind_null(parameter + 1);
        });
    };
    CHECK_THROWS_AS(from(1, 16), Error);  // with 13
    CHECK_THROWS_AS(from(13, 1), Error);
    CHECK_NOTHROW(from(100, 16));
    CHECK_NOTHROW(from(14, 1));
    CHECK(table.connection.query_integer("SELECT count(*) FROM t") == 17);
}

TEST_CASE("batch insert: what is to be done with a conflict is said once for all sizes") {
    Table table;
    BatchInsert insert(table.connection, "INSERT INTO t", "a, b",
                       "ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE excluded.b > b");
    const auto put = [&](std::size_t rows, std::string_view text) {
        insert.run(rows, [&](Statement& statement, int parameter, std::size_t row) {
            statement.bind(parameter, static_cast<std::int64_t>(row) + 100).bind(parameter + 1, text);
        });
    };
    put(21, "m");
    put(21, "a");
    CHECK(table.connection.query_integer("SELECT count(*) FROM t WHERE b = 'm'") == 21);
    put(21, "z");
    CHECK(table.connection.query_integer("SELECT count(*) FROM t WHERE b = 'z'") == 21);
}
