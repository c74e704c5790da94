#include "store/reader_pool.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>

#include <daybook/event/error.hpp>

#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

TEST_CASE("reader pool: a connection that came back is lent again, with its statements") {
    SqlLog log;
    sqlite3_stmt* prepared = nullptr;
    {
        auto lease = log.pool()->borrow();
        prepared = lease.statement("SELECT 1").handle();
        CHECK(lease.statement("SELECT 1").handle() == prepared);
        CHECK(lease.statement("SELECT 1", 1).handle() != prepared);
    }
    CHECK(log.pool()->idle_connections() == 1);
    auto lease = log.pool()->borrow();
    CHECK(lease.statement("SELECT 1").handle() == prepared);
}

TEST_CASE("reader pool: borrowers at the same time get connections of their own, of which few are kept") {
    SqlLog log;
    {
        std::vector<ReaderPool::Lease> leases;
        std::set<sqlite3*> connections;
        for (int i = 0; i < 6; ++i) {
            leases.push_back(log.pool()->borrow());
            connections.insert(leases.back().connection().handle());
        }
        CHECK(connections.size() == 6);
    }
    CHECK(log.pool()->idle_connections() == 4);
}

TEST_CASE("reader pool: a statement left in the middle of its rows is reset when the lease ends") {
    SqlLog log;
    log.append(std::vector<Event>(3, make_event("x")));
    {
        auto lease = log.pool()->borrow();
        CHECK(lease.statement("SELECT seq FROM events_log").step());
    }
    Statement checkpoint(log.writer(), "PRAGMA wal_checkpoint(TRUNCATE)");
    checkpoint.step();
    CHECK(checkpoint.integer(0) == 0);
}

TEST_CASE("reader pool: a connection on which something failed is not lent again") {
    SqlLog log;
    CHECK_THROWS_AS(
        [&log] {
            auto lease = log.pool()->borrow();
            static_cast<void>(lease.statement("SELECT * FROM no_such_table"));
        }(),
        Error);
    CHECK(log.pool()->idle_connections() == 0);
}

TEST_CASE("reader pool: a closed pool lends nothing") {
    SqlLog log;
    static_cast<void>(log.pool()->borrow());
    log.pool()->close();
    CHECK(log.pool()->idle_connections() == 0);
    CHECK_THROWS_WITH(log.pool()->borrow(), Catch::Contains("[closed]"));
}

TEST_CASE("reader pool: a child after fork() is told so") {
    SqlLog log;
    static_cast<void>(log.pool()->borrow());
    const pid_t child = ::fork();
    if (child == 0) {
        int code = 1;
        try {
            static_cast<void>(log.pool()->borrow());
        } catch (const Error& error) {
            code = error.code() == ErrorCode::wrong_process ? 42 : 2;
        }
        ::_exit(code);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 42);
}
