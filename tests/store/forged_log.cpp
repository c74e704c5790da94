#include "store/forged_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "store/chain.hpp"
#include "store/derived_tables.hpp"
#include "store/schema.hpp"

namespace daybook::test {
namespace {

constexpr std::string_view store_id_text = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
constexpr std::string_view event_columns =
    "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, causation_id, occurred_at, "
    "recorded_at, tags, payload, metadata, salt, payload_hash FROM events_log ORDER BY seq";

Uuid store_id() {
    return *Uuid::parse(store_id_text);
}

EventView view_of_row(const Statement& row) {
    return {.seq = {row.unsigned_integer(0)},
            .id = row.text(1),
            .type = row.text(2),
            .event_version = row.text(3),
            .stream = row.text(4),
            .version = {row.unsigned_integer(5)},
            .source = row.text(6),
            .correlation_id = row.optional_text(7),
            .causation_id = row.optional_text(8),
            .occurred_at = {row.integer(9)},
            .recorded_at = {row.integer(10)},
            .tags = row.text(11),
            .payload = row.text(12),
            .metadata = row.text(13),
            .digest = {}};
}

}  // namespace

ForgedLog::ForgedLog() : path_(directory_ / "forged.db") {
    connection_ = std::make_unique<Connection>(path_.native(), ConnectionOptions{.writable = true, .create = true});
    connection_->execute("PRAGMA synchronous = OFF");  // a test's file need not survive the power
    connection_->execute("PRAGMA journal_mode = WAL");
    for (const Migration& migration : embedded_migrations()) connection_->execute(std::string(migration.sql).c_str());
    connection_->execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
    connection_->execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str());
    sql(fmt::format("INSERT INTO store_info VALUES (1, '{}', 0, 'test', NULL, 16384, 0)", store_id_text));
}

ForgedLog::ForgedLog(std::uint64_t events) : ForgedLog() {
    for (std::uint64_t seq = 1; seq <= events; ++seq) {
        append({.stream = seq % 2 == 0 ? "even" : "odd", .payload = fmt::format(R"({{"n":{}}})", seq)});
        append_result({.event_seq = seq});
        append_result({.event_seq = seq, .status = "completed"});
    }
}

void ForgedLog::append(const ForgedEvent& event) {
    const Head end = head();
    const std::uint64_t seq = end.seq.value + 1;
    Statement version(*connection_, "SELECT count(*) FROM events_log WHERE stream = ?1");
    version.bind(1, std::string_view(event.stream));
    const std::uint64_t stream_version = version.step() ? version.unsigned_integer(0) + 1 : 0;
    version.reset();
    const std::string id = fmt::format("id-{}", seq);
    const std::string salt(sizeof(Salt), 's');
    const EventView view{.seq = {seq},
                         .id = id,
                         .type = event.type,
                         .event_version = "1",
                         .stream = event.stream,
                         .version = {stream_version},
                         .source = "test",
                         .correlation_id = {},
                         .causation_id = {},
                         .occurred_at = {event.occurred_at},
                         .recorded_at = {static_cast<std::int64_t>(1'000'000 + seq)},
                         .tags = "{}",
                         .payload = event.payload,
                         .metadata = "{}",
                         .digest = {}};
    const Digest payload_hash = hash_payload(salt, event.payload);
    const Digest digest = chain_event(end.digest, store_id(), view, payload_hash);
    Statement insert(
        *connection_,
        "INSERT INTO events_log VALUES (?1, ?2, ?3, '1', ?4, ?5, 'test', NULL, NULL, ?6, ?7, '{}', ?8, '{}', "
        "?9, ?10, ?11)");
    insert.bind(1, seq).bind(2, std::string_view(id)).bind(3, std::string_view(event.type));
    insert.bind(4, std::string_view(event.stream)).bind(5, stream_version).bind(6, event.occurred_at);
    insert.bind(7, view.recorded_at).bind(8, std::string_view(event.payload)).bind_blob(9, salt.data(), salt.size());
    insert.bind(10, payload_hash).bind(11, digest).run();
    if (seq % 1024 == 0) write_block(*connection_, seq / 1024 - 1);
}

void ForgedLog::index(int run_events) {
    write_runs(*connection_, run_events, head().seq);
}

void ForgedLog::append_result(const ForgedResult& result) {
    const Head end = head();
    const std::uint64_t result_seq = end.result_seq.value + 1;
    const std::string id = fmt::format("id-{}", result.event_seq);
    ResultFields fields;
    fields.result_seq = {result_seq};
    fields.event_seq = {result.event_seq};
    fields.event_id = id;
    fields.bus = "bus";
    fields.handler = result.handler;
    fields.attempt = result.attempt;
    fields.status = result.status;
    fields.owner = "owner";
    fields.imported = result.imported;
    fields.emitted = "[]";
    fields.events_head = end.seq;
    fields.recorded_at = {static_cast<std::int64_t>(2'000'000 + result_seq)};
    const Digest digest = chain_result(end.result_digest, store_id(), fields);
    Statement insert(
        *connection_,
        "INSERT INTO event_results_log VALUES (?1, ?2, ?3, 'bus', ?4, ?5, ?6, 'owner', 1, ?7, NULL, NULL, NULL, "
        "NULL, NULL, '[]', NULL, ?8, ?9, ?10)");
    insert.bind(1, result_seq).bind(2, result.event_seq).bind(3, std::string_view(id));
    insert.bind(4, std::string_view(result.handler)).bind(5, std::uint64_t{result.attempt});
    insert.bind(6, std::string_view(result.status)).bind(7, std::uint64_t{result.imported ? 1U : 0U}).bind(8, end.seq);
    insert.bind(9, static_cast<std::int64_t>(2'000'000 + result_seq)).bind(10, digest).run();
    if (result.imported) return;
    const std::string key = fmt::format("{}, 'bus', '{}'", result.event_seq, result.handler);
    if (result.status == "pending") {
        sql(fmt::format("INSERT OR REPLACE INTO unfinished_handlers VALUES ({}, {}, 'owner', 1, 0, {})", key,
                        result.attempt, 2'000'000 + result_seq));
    } else if (result.status == "started") {
        sql(fmt::format("UPDATE unfinished_handlers SET started = 1 WHERE (event_seq, bus, handler) = ({})", key));
    } else {
        sql(fmt::format("DELETE FROM unfinished_handlers WHERE (event_seq, bus, handler) = ({})", key));
    }
}

void ForgedLog::sql(const std::string& sql) {
    connection_->execute(sql.c_str());
}

void ForgedLog::edit(const std::string& text) {
    std::map<std::string, std::string> triggers;
    {
        Statement rows(*connection_, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
        while (rows.step()) triggers.emplace(rows.text(0), rows.text(1));
    }
    for (const auto& [name, definition] : triggers) sql("DROP TRIGGER " + name);
    sql(text);
    for (const auto& [name, definition] : triggers) sql(definition);
}

void ForgedLog::rechain() {
    struct Row {
        std::uint64_t seq;
        Digest payload_hash;
        Digest digest;
    };
    std::vector<Row> chain;
    Digest digest;
    {
        Statement rows(*connection_, event_columns);
        while (rows.step()) {
            const EventView event = view_of_row(rows);
            const Digest payload_hash = rows.is_null(12) ? rows.digest(15) : hash_payload(rows.blob(14), event.payload);
            digest = chain_event(digest, store_id(), event, payload_hash);
            chain.push_back({event.seq.value, payload_hash, digest});
        }
    }
    std::string updates;
    for (const Row& row : chain)
        updates += fmt::format("UPDATE events_log SET payload_hash = x'{}', digest = x'{}' WHERE seq = {};",
                               row.payload_hash.to_hex(), row.digest.to_hex(), row.seq);
    edit(updates);
}

void ForgedLog::rechain_results() {
    std::vector<std::pair<std::uint64_t, Digest>> chain;
    Digest digest;
    {
        Statement rows(
            *connection_,
            "SELECT result_seq, event_seq, event_id, bus, handler, attempt, status, owner, recoverable, imported, "
            "emitted, events_head, recorded_at FROM event_results_log ORDER BY result_seq");
        while (rows.step()) {
            ResultFields fields;
            fields.result_seq = {rows.unsigned_integer(0)};
            fields.event_seq = {rows.unsigned_integer(1)};
            fields.event_id = rows.text(2);
            fields.bus = rows.text(3);
            fields.handler = rows.text(4);
            fields.attempt = static_cast<std::uint32_t>(rows.integer(5));
            fields.status = rows.text(6);
            fields.owner = rows.text(7);
            fields.recoverable = rows.integer(8) != 0;
            fields.imported = rows.integer(9) != 0;
            fields.emitted = rows.text(10);
            fields.events_head = {rows.unsigned_integer(11)};
            fields.recorded_at = {rows.integer(12)};
            digest = chain_result(digest, store_id(), fields);
            chain.emplace_back(rows.unsigned_integer(0), digest);
        }
    }
    std::string updates;
    for (const auto& [result_seq, one] : chain)
        updates +=
            fmt::format("UPDATE event_results_log SET digest = x'{}' WHERE result_seq = {};", one.to_hex(), result_seq);
    edit(updates);
}

Head ForgedLog::head() {
    Head head;
    head.store_id = store_id();
    Statement event(*connection_, "SELECT seq, digest FROM events_log ORDER BY seq DESC LIMIT 1");
    if (event.step()) {
        head.seq = {event.unsigned_integer(0)};
        head.digest = event.digest(1);
    }
    Statement result(*connection_, "SELECT result_seq, digest FROM event_results_log ORDER BY result_seq DESC LIMIT 1");
    if (result.step()) {
        head.result_seq = {result.unsigned_integer(0)};
        head.result_digest = result.digest(1);
    }
    return head;
}

VerifyReport ForgedLog::verify(VerifyOptions options) const {
    return daybook::verify(path_, std::move(options));
}

std::vector<std::string> ForgedLog::codes(VerifyOptions options) const {
    std::set<std::string> codes;
    for (const VerifyProblem& problem : verify(std::move(options)).problems) codes.insert(problem.code);
    return {codes.begin(), codes.end()};
}

void ForgedLog::close() {
    sql("PRAGMA wal_checkpoint(TRUNCATE)");
    connection_->allow_checkpoint_on_close(true);
    connection_.reset();
}

}  // namespace daybook::test
