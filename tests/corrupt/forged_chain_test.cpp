// Forged histories through the command, as an owner would check them: each forgery is made with the writer's own means
// (the chain recomputed, the triggers put back), and the owner has a saved head or a public key, never the writer's word.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <daybook/store/event_store.hpp>

#include "cli/game.hpp"
#include "corrupt/corrupt_kit.hpp"
#include "store/chain.hpp"
#include "store/connection.hpp"

namespace daybook {

using namespace clitest;

namespace {

void write_keys(const std::string& private_path, const std::string& public_path) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                                                  EVP_PKEY_free);
    REQUIRE(key != nullptr);
    const std::unique_ptr<FILE, int (*)(FILE*)> secret(std::fopen(private_path.c_str(), "w"), std::fclose);
    const std::unique_ptr<FILE, int (*)(FILE*)> open(std::fopen(public_path.c_str(), "w"), std::fclose);
    REQUIRE((secret && open));
    REQUIRE(PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    REQUIRE(PEM_write_PUBKEY(open.get(), key.get()) == 1);
}

// Edits behind the triggers, which are put back as they were.
void edit(const std::string& path, const std::string& sql) {
    Connection connection(path, {.writable = true});
    std::vector<std::pair<std::string, std::string>> triggers;
    {
        Statement rows(connection, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
        while (rows.step()) triggers.emplace_back(rows.text(0), rows.text(1));
    }
    for (const auto& [name, definition] : triggers) connection.execute(("DROP TRIGGER " + name).c_str());
    connection.execute(sql.c_str());
    for (const auto& [name, definition] : triggers) connection.execute(definition.c_str());
}

// Makes hashes, digests and derived tables what they would be had the rows always been so.
void rechain(const std::string& path) {
    std::string updates;
    {
        Connection connection(path, {});
        const Uuid store_id = *Uuid::parse(*connection.query_text("SELECT store_id FROM store_info"));
        Statement rows(
            connection,
            "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, "
            "causation_id, occurred_at, recorded_at, tags, payload, metadata, salt FROM events_log ORDER BY seq");
        Digest digest;
        while (rows.step()) {
            EventView event;
            event.seq = {rows.unsigned_integer(0)};
            event.id = rows.text(1);
            event.type = rows.text(2);
            event.event_version = rows.text(3);
            event.stream = rows.text(4);
            event.version = {rows.unsigned_integer(5)};
            event.source = rows.text(6);
            event.correlation_id = rows.optional_text(7);
            event.causation_id = rows.optional_text(8);
            event.occurred_at = {rows.integer(9)};
            event.recorded_at = {rows.integer(10)};
            event.tags = rows.text(11);
            event.metadata = rows.text(13);
            const Digest payload_hash = hash_payload(rows.blob(14), rows.text(12));
            digest = chain_event(digest, store_id, event, payload_hash);
            updates += fmt::format("UPDATE events_log SET payload_hash = x'{}', digest = x'{}' WHERE seq = {};",
                                   payload_hash.to_hex(), digest.to_hex(), event.seq.value);
        }
    }
    edit(path, updates);
}

struct Forgery {
    const char* name;
    const char* sql;
    bool recomputed;
    const char* code;  ///< what verify says, without a head if the chain was not recomputed, else with one
};

// Four events: player-7 joins, player-8 joins, player-7 moves, player-8 scores.
constexpr Forgery forgeries[] = {
    {"edited", R"(UPDATE events_log SET payload = '{"points":50}' WHERE seq = 4)", false, "payload_mismatch"},
    {"edited in a column", "UPDATE events_log SET type = 'player:left' WHERE seq = 2", false, "digest_mismatch"},
    {"reordered",
     "UPDATE events_log SET seq = 99 WHERE seq = 2; UPDATE events_log SET seq = 2 WHERE seq = 3;"
     "UPDATE events_log SET seq = 3 WHERE seq = 99",
     false, "digest_mismatch"},
    {"removed", "DELETE FROM events_log WHERE seq = 2", false, "seq_gap"},
    {"removed, and the rest moved up",
     "DELETE FROM events_log WHERE seq = 3; UPDATE events_log SET seq = 3 WHERE seq = 4", false, "digest_mismatch"},
    {"edited, recomputed", R"(UPDATE events_log SET payload = '{"points":50}' WHERE seq = 4)", true, "head_mismatch"},
    {"edited at the beginning, recomputed", "UPDATE events_log SET source = 'other' WHERE seq = 1", true,
     "head_mismatch"},
    {"reordered, recomputed",
     "UPDATE events_log SET seq = 99 WHERE seq = 2; UPDATE events_log SET seq = 2, recorded_at = (SELECT recorded_at "
     "FROM "
     "events_log WHERE seq = 99) WHERE seq = 3; UPDATE events_log SET seq = 3, recorded_at = (SELECT recorded_at FROM "
     "events_log WHERE seq = 2) WHERE seq = 99",
     true, "head_mismatch"},
    {"tail cut, recomputed", "DELETE FROM events_log WHERE seq = 4", true, "head_missing"},
    {"removed and moved up, recomputed",
     "DELETE FROM events_log WHERE seq = 3; UPDATE events_log SET seq = 3 WHERE seq = 4", true, "head_missing"},
    {"invented, recomputed",
     "DELETE FROM events_log WHERE seq = 4; INSERT INTO events_log SELECT 4, 'e4', 'player:left', '1', 'player-8', 2, "
     "source, NULL, NULL, occurred_at, recorded_at, '{}', '{}', '{}', x'00112233445566778899aabbccddeeff', "
     "payload_hash, "
     "digest FROM events_log WHERE seq = 3",
     true, "head_mismatch"},
};

std::string line_of(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace

TEST_CASE("forged chain: the command finds each forgery, a recomputed one against a saved or a signed head only",
          "[forged]") {
    for (const Forgery& forgery : forgeries) {
        INFO(forgery.name);
        const Game game;
        game.play();
        // The owner's key is where the writer is not; what the writer has is the log and the public key.
        const testkit::TempDirectory owner;
        const std::string secret = (owner / "key.pem").string();
        const std::string open = game.path("key.pub.pem");
        write_keys(secret, open);
        const std::string saved = line_of(game.out("head"));
        const std::string line = line_of(game.out("head", {"--sign", secret}));
        CHECK(line.rfind(saved, 0) == 0);

        // The lock file's mark would tell at once: a forger who knows of it removes it.
        std::filesystem::remove(game.db() + ".lock");
        edit(game.db(), forgery.sql);
        if (forgery.recomputed) rechain(game.db());

        const Ran alone = game.run("verify", {"--format", "json"});
        INFO(alone.out << alone.err);
        CHECK(alone.exit == (forgery.recomputed ? 0 : 1));
        if (!forgery.recomputed) CHECK(alone.out.find(forgery.code) != std::string::npos);
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{"--head", saved, "--format", "json"},
              std::vector<std::string>{"--head", line, "--public-key", open, "--format", "json"}}) {
            const Ran checked = game.run("verify", arguments);
            INFO(checked.out << checked.err);
            CHECK(checked.exit == 1);
            CHECK(checked.out.find(forgery.code) != std::string::npos);
        }

        if (!forgery.recomputed) continue;
        // The forger prints a head of the forged log, with the old signature or one by another key.
        const std::string forged_head = line_of(game.out("head"));
        CHECK(forged_head != saved);
        CHECK(game.run("verify", {"--head", forged_head + line.substr(saved.size()), "--public-key", open}).exit == 3);
        write_keys(game.path("mine.pem"), game.path("mine.pub.pem"));
        const std::string resigned = line_of(game.out("head", {"--sign", game.path("mine.pem")}));
        CHECK(game.run("verify", {"--head", resigned, "--public-key", open}).exit == 3);
    }
}

TEST_CASE("forged chain: the mark in the lock file finds a recomputed history whose forger forgot it", "[forged]") {
    const Game game;
    game.play();
    edit(game.db(), "UPDATE events_log SET source = 'other' WHERE seq = 1");
    rechain(game.db());
    const Ran ran = game.run("verify", {"--format", "json"});
    CHECK(ran.exit == 1);
    CHECK(ran.out.find("log_behind_mark") != std::string::npos);
    CHECK(game.run("emit", {"a"}).exit == 5);
}

TEST_CASE("forged chain: a head that was signed earlier still vouches for the log's beginning, and for it only",
          "[forged]") {
    const Game game;
    game.play();
    const testkit::TempDirectory owner;
    write_keys((owner / "key.pem").string(), game.path("key.pub.pem"));
    const std::string line = line_of(game.out("head", {"--sign", (owner / "key.pem").string()}));
    game.emit("player:left", "{}", {"--stream", "player-7"});
    std::filesystem::remove(game.db() + ".lock");
    const std::vector<std::string> check{"--head", line, "--public-key", game.path("key.pub.pem")};
    CHECK(game.run("verify", check).exit == 0);
    edit(game.db(), R"(UPDATE events_log SET payload = '{"why":"hungry"}' WHERE seq = 5)");
    rechain(game.db());
    CHECK(game.run("verify", check).exit == 0);  // behind the signed head: the next one would tell
    edit(game.db(), R"(UPDATE events_log SET payload = '{"x":9}' WHERE seq = 3)");
    rechain(game.db());
    CHECK(game.run("verify", check).exit == 1);
}

}  // namespace daybook
