// The order of a verification: open, file, schema, events, results, what is kept elsewhere. Each part is in a verifier
// of its own (store/verifier_*.hpp); all of them read one snapshot.
#include <daybook/store/verify.hpp>

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event/error.hpp>

#include "event/test_hooks.hpp"
#include "store/connection.hpp"
#include "store/lock_file.hpp"
#include "store/opening.hpp"
#include "store/verification.hpp"
#include "store/verifier_events.hpp"
#include "store/verifier_results.hpp"
#include "store/verifier_schema.hpp"

namespace daybook {
namespace {

namespace fs = std::filesystem;

constexpr bool is_damage(ErrorCode code) noexcept {
    return code == ErrorCode::corrupt || code == ErrorCode::io_error || code == ErrorCode::too_large;
}

// The mark is advice: a lock file that cannot be read is as one without a mark.
std::optional<Head> mark_of(const fs::path& path, const StoreOptions& options) {
    try {
        const fs::path resolved = resolve_path(path, options);
        if (!options.files->exists(lock_path_of(resolved.native()))) return std::nullopt;
        return LockFile(*options.files, resolved.native(), false).read_mark();
    } catch (const Error&) {
        return std::nullopt;
    }
}

// Runs one part. Damage that stops it is one problem more, and the other parts go on.
template <typename Part>
void run_part(Verification& verification, std::string_view what, Part part) {
    try {
        part();
    } catch (const Error& error) {
        if (!is_damage(error.code())) throw;
        verification.problem("file_damaged", std::nullopt,
                             fmt::format("check {}: stopped early: {}", what, error.what()));
    }
}

std::optional<Uuid> store_id_of(Verification& verification, Connection& connection) {
    const auto text = connection.query_text("SELECT store_id FROM store_info WHERE id = 1");
    const auto id = text ? Uuid::parse(*text) : std::nullopt;
    if (!id)
        verification.problem("store_id_invalid", std::nullopt,
                             fmt::format("store_info holds {}: the digests cannot be checked without the store's id",
                                         text ? "'" + *text + "', which is not a UUID" : "no row"));
    return id;
}

// Where a head kept elsewhere is looked for, and what its absence is called.
struct KeptHead {
    Head head;
    std::string_view name;           // for messages
    std::string_view missing_code;   // the log ends before it
    std::string_view mismatch_code;  // the log has another digest there
};

std::optional<Digest> digest_at(Connection& connection, std::string_view sql, std::uint64_t seq) {
    if (seq == 0) return Digest{};
    Statement row(connection, sql);
    row.bind(1, seq);
    if (!row.step()) return std::nullopt;
    return row.digest(0);
}

void check_kept_chain(Verification& verification, const KeptHead& kept, std::string_view rows, std::string_view sql,
                      std::uint64_t seq, std::uint64_t last_seq, const Digest& digest) {
    const auto found = digest_at(verification.connection(), sql, seq);
    if (!found && DAYBOOK_PLANTED(tail_unverified)) return;
    if (!found)
        verification.problem(
            kept.missing_code, seq,
            fmt::format("{} names {} {}, the log ends at {}: its tail was cut, or a backup put in its place", kept.name,
                        rows, seq, last_seq));
    else if (*found != digest)
        verification.problem(kept.mismatch_code, seq,
                             fmt::format("{} has digest {} at {} {}, the log has {}: history was rewritten", kept.name,
                                         digest.to_hex(), rows, seq, found->to_hex()));
}

void check_kept_head(Verification& verification, const KeptHead& kept) {
    const Head& end = verification.report().head;
    check_kept_chain(verification, kept, "event", "SELECT digest FROM events_log WHERE seq = ?1", kept.head.seq.value,
                     end.seq.value, kept.head.digest);
    check_kept_chain(verification, kept, "result", "SELECT digest FROM event_results_log WHERE result_seq = ?1",
                     kept.head.result_seq.value, end.result_seq.value, kept.head.result_digest);
}

void check_checkpoints(Verification& verification) {
    Statement rows(verification.connection(),
                   "SELECT name, seq, digest, result_seq, result_digest FROM checkpoints ORDER BY name");
    while (rows.step()) {
        const std::string name = fmt::format("checkpoint '{}'", rows.text(0));
        const Head head{verification.store_id(),
                        {rows.unsigned_integer(1)},
                        rows.digest(2),
                        {rows.unsigned_integer(3)},
                        rows.digest(4)};
        check_kept_head(verification, {head, name, "checkpoint_diverged", "checkpoint_diverged"});
    }
}

// Equal recorded_at over a noted clock step; that nothing was noted cannot be told from the log.
void check_clock_steps(Verification& verification) {
    Statement rows(verification.connection(),
                   "SELECT first_seq, last_seq, recorded_at, "
                   "(SELECT recorded_at FROM events_log WHERE seq = first_seq), "
                   "(SELECT recorded_at FROM events_log WHERE seq = last_seq) FROM clock_steps ORDER BY first_seq");
    while (rows.step()) {
        const bool fits = !rows.is_null(3) && !rows.is_null(4) && rows.integer(3) == rows.integer(2) &&
                          rows.integer(4) == rows.integer(2);
        if (!fits)
            verification.problem(
                "derived_clock_steps", rows.unsigned_integer(0),
                fmt::format("clock_steps says that events {} to {} were recorded at {} ns, the log does not",
                            rows.integer(0), rows.integer(1), rows.integer(2)));
    }
}

std::uint64_t last_key(Connection& connection, const char* sql) {
    return static_cast<std::uint64_t>(connection.query_integer(sql).value_or(0));
}

void verify_rows(Verification& verification, const VerifyOptions& options, const std::optional<Head>& mark) {
    const auto part = [&](std::string_view what, auto run) {
        run_part(verification, what, [&] { run(verification); });
    };
    part("the sizes of the logs", [](Verification& v) {
        // Results are read twice: in their own order, and by handler.
        v.expect_rows(last_key(v.connection(), "SELECT max(seq) FROM events_log") +
                      2 * last_key(v.connection(), "SELECT max(result_seq) FROM event_results_log"));
    });
    part("events", verify_events);
    part("results", verify_results);
    part("attempts", verify_attempts);
    part("checkpoints", check_checkpoints);
    part("clock steps", check_clock_steps);
    part("the mark", [&](Verification& v) {
        // A mark of another store belongs to a file that was here before.
        if (mark && mark->store_id == v.store_id())
            check_kept_head(v, {*mark, "the mark in the lock file", "log_behind_mark", "log_behind_mark"});
    });
    part("the saved head", [&](Verification& v) {
        if (!options.head) return;
        if (options.head->store_id != v.store_id())
            v.problem("head_other_store", std::nullopt,
                      fmt::format("the saved head is of store {}, this is store {}", options.head->store_id.to_string(),
                                  v.store_id().to_string()));
        else
            check_kept_head(v, {*options.head, "the saved head", "head_missing", "head_mismatch"});
    });
}

void verify_snapshot(Connection& connection, const VerifyOptions& options, const std::optional<Head>& mark,
                     VerifyReport& report) {
    Verification verification(connection, report.head.store_id, report, options);
    SchemaFindings schema;
    run_part(verification, "the schema", [&] { schema = verify_schema(verification); });
    if (!schema.rows_may_be_read) {
        verification.problem("schema_differs", std::nullopt,
                             "what is in a file's schema runs with each statement that touches it, so nothing else of "
                             "this file was checked");
        return verification.finish();
    }
    std::optional<Uuid> store_id;
    run_part(verification, "the store's id", [&] { store_id = store_id_of(verification, connection); });
    if (store_id) {
        report.head.store_id = *store_id;
        verify_rows(verification, options, mark);
    }
    verify_pages(verification, schema);
    verification.finish();
}

}  // namespace

VerifyReport verify(const fs::path& path, VerifyOptions options) {
    options.store.access = Access::read;
    options.store = with_defaults(std::move(options.store));
    VerifyReport report;
    const std::optional<Head> mark = mark_of(path, options.store);  // before the snapshot that it is compared with
    std::unique_ptr<Connection> connection;
    try {
        connection = open_for_verifying(path, options.store);
        connection->execute("BEGIN");
        static_cast<void>(connection->query_integer("SELECT count(*) FROM sqlite_schema"));  // takes the snapshot
    } catch (const Error& error) {
        // A file whose mark is there was a Daybook once, whatever its first bytes have become.
        const bool was_a_daybook = error.code() == ErrorCode::not_a_daybook && mark.has_value();
        if (!is_damage(error.code()) && !was_a_daybook) throw;
        ++report.problems_total;
        if (options.problems_max > 0) report.problems.push_back({"not_openable", std::nullopt, error.what()});
        return report;
    }
    verify_snapshot(*connection, options, mark, report);
    connection->rollback();
    return report;
}

}  // namespace daybook
