// Tests of verify, head, stats, doctor, unfinished and backup.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <memory>

#include <daybook/event/journal_record.hpp>
#include <daybook/store/event_store.hpp>

#include "cli/game.hpp"
#include "event/json_schema.hpp"

using namespace daybook;
using namespace daybook::clitest;

namespace {

void write_keys(const std::string& private_path, const std::string& public_path) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                                                  EVP_PKEY_free);
    REQUIRE(key != nullptr);
    const auto write = [&key](const std::string& path, bool secret) {
        const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
        REQUIRE(file != nullptr);
        if (secret)
            REQUIRE(PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
        else
            REQUIRE(PEM_write_PUBKEY(file.get(), key.get()) == 1);
    };
    write(private_path, true);
    write(public_path, false);
}

std::string trimmed(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

void tamper(const std::string& db) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(db.c_str(), &handle) == SQLITE_OK);
    const int code =
        sqlite3_exec(handle,
                     "DROP TRIGGER events_log_no_update; UPDATE events_log SET payload = '{\"x\":9}' WHERE seq = 3;"
                     "PRAGMA wal_checkpoint(TRUNCATE);",
                     nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    REQUIRE(code == SQLITE_OK);
}

}  // namespace

TEST_CASE("verify: a whole log is ok, exit 0, valid by its schema") {
    const Game game;
    game.play();
    const std::string text = game.out("verify");
    CHECK(schema_faults("verify", text) == "");
    const auto report = nlohmann::json::parse(text);
    CHECK(report.at("ok") == true);
    CHECK(report.at("events") == 4);
    CHECK(report.at("problems").empty());
    CHECK(game.out("verify", {"--format", "table"}).rfind("ok: 4 events and 0 results in ", 0) == 0);
}

TEST_CASE("verify: a payload that was changed is found, named by its seq, and exit 1") {
    const Game game;
    game.play();
    tamper(game.db());
    const Ran ran = game.run("verify", {"--format", "json"});
    CHECK(ran.exit == 1);
    CHECK(schema_faults("verify", ran.out) == "");
    bool named = false;
    const auto report = nlohmann::json::parse(ran.out);
    for (const auto& problem : report.at("problems")) named = named || problem.at("seq") == 3;
    CHECK(named);
    const Ran text = game.run("verify", {"--format", "table"});
    CHECK(text.exit == 1);
    CHECK(text.out.rfind("NOT OK: ", 0) == 0);
}

TEST_CASE("head: one line that verify accepts until the log lacks what it names") {
    const Game game;
    game.play();
    const std::string early = trimmed(game.out("head"));
    CHECK(early.rfind("daybook-head:v1 store=", 0) == 0);
    game.emit("more");
    CHECK(game.json("verify", {"--head", early}).at("ok") == true);
    const Game other;
    other.play();
    other.emit("more");
    CHECK(other.run("verify", {"--head", early}).exit == 1);
}

TEST_CASE("head: a signed one is checked with the public key, a forged one is 3") {
    const Game game;
    game.play();
    write_keys(game.path("key.pem"), game.path("key.pub.pem"));
    const std::string line = trimmed(game.out("head", {"--sign", game.path("key.pem")}));
    CHECK(game.json("verify", {"--head", line, "--public-key", game.path("key.pub.pem")}).at("ok") == true);
    std::string forged = line;
    forged.replace(forged.find("seq=4"), 5, "seq=3");
    const Ran ran = game.run("verify", {"--head", forged, "--public-key", game.path("key.pub.pem")});
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("--head") != std::string::npos);
    const Ran unchecked = game.run("verify", {"--head", line});
    CHECK(unchecked.exit == 0);
    CHECK(unchecked.err.find("not checked") != std::string::npos);
}

TEST_CASE("head: a line or a key that is none is 3, a key that is not there 5, a key without a head 2") {
    const Game game;
    game.play();
    CHECK(game.run("verify", {"--head", "nonsense"}).exit == 3);
    write_file(game.path("key.pem"), "no key");
    CHECK(game.run("head", {"--sign", game.path("key.pem")}).exit == 3);
    CHECK(game.run("head", {"--sign", game.path("none.pem")}).exit == 5);
    CHECK(game.run("verify", {"--public-key", game.path("key.pem")}).exit == 2);
}

TEST_CASE("verify: --against a journal that is not there is 5") {
    const Game game;
    game.play();
    CHECK(game.run("verify", {"--against", game.path("none.jsonl")}).exit == 5);
}

TEST_CASE("verify: --against compares the log with a journal of it, and finds one that differs") {
    const Game game;
    game.play();
    std::string journal;
    {
        const EventStore store = EventStore::open(game.db(), {.access = Access::read});
        JournalHeader header;
        header.store_id = store.store_id();
        journal = encode_journal_record(header) + "\n";
        EventCursor cursor = store.read();
        while (const EventView* event = cursor.next()) journal += encode_journal_record(*event) + "\n";
    }
    write_file(game.path("journal.jsonl"), journal);
    const std::string text = game.out("verify", {"--against", game.path("journal.jsonl")});
    CHECK(schema_faults("verify", text) == "");
    CHECK(nlohmann::json::parse(text).at("journal") == nlohmann::json{{"ok", true}, {"events", 4}, {"results", 0}});

    const std::vector<std::string> lines = lines_of(journal);
    write_file(game.path("gap.jsonl"), lines[0] + "\n" + lines[1] + "\n" + lines[3] + "\n" + lines[4] + "\n");
    const Ran ran = game.run("verify", {"--against", game.path("gap.jsonl")});
    CHECK(ran.exit == 1);
    CHECK(schema_faults("verify", ran.out) == "");
    CHECK(nlohmann::json::parse(ran.out).at("ok") == false);
    CHECK(ran.out.find("journal_gap") != std::string::npos);
}

TEST_CASE("damage: a file damaged beyond opening is 1 for verify and 5 for the others") {
    const Game game;
    game.play();
    std::string bytes = read_file(game.db());
    for (std::size_t at = 200; at < bytes.size(); ++at)
        bytes[at] = 'x';  // the header says what it is; nothing else is left
    write_file(game.db(), bytes);
    const Ran verified = game.run("verify");
    INFO(verified.out << verified.err);
    CHECK(verified.exit == 1);
    CHECK(schema_faults("verify", verified.out) == "");
    for (const std::string command : {"tail", "stats", "head", "export", "emit"}) {
        const Ran ran =
            game.run(command, command == "emit" ? std::vector<std::string>{"a"} : std::vector<std::string>{});
        INFO(command << ": " << ran.err);
        CHECK(ran.exit == 5);
    }
}

TEST_CASE("doctor: a log that lost its tail is a problem, exit 1; writing is refused until --accept-loss") {
    const Game game;
    game.play();
    const std::string early = read_file(game.db());
    game.emit("more");
    // The file of before beside the lock file of after: what a careless restore leaves.
    write_file(game.db(), early);
    std::filesystem::remove(game.db() + "-wal");
    std::filesystem::remove(game.db() + "-shm");
    const Ran doctor = game.run("doctor", {"--format", "json"});
    INFO(doctor.out << doctor.err);
    CHECK(doctor.exit == 1);
    CHECK(nlohmann::json::parse(doctor.out).at("ok") == false);
    const Ran refused = game.run("emit", {"a"});
    INFO(refused.err);
    CHECK(refused.exit == 5);
    CHECK(refused.err.find("[log_behind_mark]") != std::string::npos);
    const Ran read = game.run("tail");
    CHECK(read.exit == 0);
    CHECK(lines_of(read.out).size() == 4);
    CHECK(read.err.find("warning: ") != std::string::npos);
    const Ran accepted = game.run("doctor", {"--accept-loss", "--format", "json"});
    INFO(accepted.out << accepted.err);
    CHECK(accepted.exit == 0);
    CHECK(accepted.err.find("kept a copy") != std::string::npos);
    CHECK(game.emit("a").at("seq") == 5);
    CHECK(game.run("doctor", {"--accept-loss"}).exit == 3);
}

TEST_CASE("stats: counts by type and stream, valid by its schema, and a window filters") {
    const Game game;
    game.play();
    const std::string text = game.out("stats", {"--format", "json"});
    CHECK(schema_faults("stats", text) == "");
    const auto all = nlohmann::json::parse(text);
    CHECK(all.at("events") == 4);
    CHECK(all.at("streams") == 2);
    CHECK(all.at("types").at(0) == nlohmann::json{{"type", "player:joined"}, {"events", 2}});
    const auto some = game.json("stats", {"--type", "player:joined", "--format", "json"});
    CHECK(some.at("events") == 2);
    CHECK(some.at("types").size() == 1);
}

TEST_CASE("doctor: a healthy log has no problem, exit 0, valid by its schema") {
    const Game game;
    game.play();
    const std::string text = game.out("doctor", {"--format", "json"});
    CHECK(schema_faults("doctor", text) == "");
    CHECK(nlohmann::json::parse(text).at("ok") == true);
    CHECK(game.out("doctor", {"--format", "table"}).find("\nno problems\n") != std::string::npos);
}

TEST_CASE("unfinished: lists a handler that never finished, with owner, age and attempt") {
    const Game game;
    {
        EventStore store = EventStore::open(game.db(), {.access = Access::create});
        const auto owner = store.hold_owner_lock();
        store.append({.events = {{.type = "player:joined"}}, .pending = {{0, "main", "greeter", owner->name()}}});
        const auto alive = game.json("unfinished");
        REQUIRE(alive.size() == 1);
        CHECK(alive.at(0).at("owner_is_gone") == false);
    }
    const std::string text = game.out("unfinished");
    CHECK(schema_faults("unfinished", text) == "");
    const auto work = nlohmann::json::parse(text).at(0);
    CHECK(work.at("handler") == "greeter");
    CHECK(work.at("bus") == "main");
    CHECK(work.at("attempt") == 1);
    CHECK(work.at("owner_is_gone") == true);
    CHECK(work.at("age_ns").get<std::int64_t>() >= 0);
    CHECK(game.json("unfinished", {"--bus", "other"}).empty());
    CHECK(game.json("show", {"1"}).at("results").at(0).at("status") == "pending");
}

TEST_CASE("backup: the copy is a daybook with the same head") {
    const Game game;
    game.play();
    const std::string text = game.out("backup", {game.path("copy.db")});
    CHECK(schema_faults("backup", text) == "");
    CHECK(run_daybook({"head", game.path("copy.db")}).out == game.out("head"));
    CHECK(run_daybook({"verify", game.path("copy.db")}).exit == 0);
}

TEST_CASE("backup: an existing target, and the log's own files, are 5 and stay as they were") {
    const Game game;
    game.play();
    write_file(game.path("copy.db"), "mine");
    const std::string before = game.fingerprint();
    CHECK(game.run("backup", {game.path("copy.db")}).exit == 5);
    CHECK(game.run("backup", {game.db()}).exit == 5);
    CHECK(game.run("backup", {game.db() + "-wal", "--force"}).exit == 5);
    CHECK(game.fingerprint() == before);
    CHECK(game.run("backup", {game.path("copy.db"), "--force"}).exit == 0);
}

TEST_CASE("init: its JSON is valid by its schema") {
    const Game game;
    CHECK(schema_faults("init", game.out("init")) == "");
}
