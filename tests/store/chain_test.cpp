// The digests against vectors made by another program (docs/internals/chain.md says how), and against change.
#include "store/chain.hpp"

#include <catch2/catch.hpp>

namespace daybook {

namespace {

const Uuid store_id = *Uuid::parse("00112233-4455-6677-8899-aabbccddeeff");
const std::string salt = [] {
    std::string bytes;
    for (char byte = 0; byte < 16; ++byte) bytes += byte;
    return bytes;
}();
constexpr std::string_view payload = R"({"x":1,"y":[2.50]})";

EventView first_event() {
    EventView event;
    event.seq = Sequence{1};
    event.id = "01890a5d-ac96-774b-bcce-b302099a8057";
    event.type = "player:moved";
    event.event_version = "1";
    event.stream = "player-7";
    event.version = Version{1};
    event.source = "engine";
    event.causation_id = "cause-1";
    event.occurred_at = Timestamp{-1};
    event.recorded_at = Timestamp{1'769'860'800'000'000'123};
    event.tags = R"({"room":"hall"})";
    event.payload = payload;
    event.metadata = "{}";
    return event;
}

ResultFields first_result() {
    return {.result_seq = ResultSequence{1},
            .event_seq = Sequence{1},
            .event_id = "01890a5d-ac96-774b-bcce-b302099a8057",
            .bus = "main",
            .handler = "score",
            .attempt = 1,
            .status = "pending",
            .owner = "owner-1",
            .recoverable = true,
            .imported = false,
            .result = {},
            .error_type = {},
            .error_message = {},
            .started_at = {},
            .finished_at = {},
            .emitted = "[]",
            .note = {},
            .events_head = Sequence{1},
            .recorded_at = Timestamp{1'769'860'800'000'000'456}};
}

Digest digest_of(const EventView& event) {
    return chain_event(Digest{}, store_id, event, hash_payload(salt, payload));
}

}  // namespace

TEST_CASE("chain: the payload's hash is that of the test vector", "[chain]") {
    CHECK(hash_payload(salt, payload).to_hex() == "339b99213aedbb335194e976cb1b934e593dd39a961e45514b68f36eb302102a");
}

TEST_CASE("chain: the content's hash is that of the test vector", "[chain]") {
    CHECK(ChainHasher().content(content_fields(first_event()), hash_payload(salt, payload)).to_hex() ==
          "ed54513757aeeb6763279da69d8569421dae8d3a6879d13c4c39d55f9bd3b6e0");
}

TEST_CASE("chain: the first event's digest is that of the test vector", "[chain]") {
    CHECK(digest_of(first_event()).to_hex() == "8ae41b52609787bf746972943114a4254bae3216b98d6ace995186c05fac2fd0");
}

TEST_CASE("chain: the second event's digest is that of the test vector", "[chain]") {
    EventView second = first_event();
    second.seq = Sequence{2};
    second.version = Version{2};
    second.occurred_at = Timestamp{5};
    CHECK(chain_event(digest_of(first_event()), store_id, second, hash_payload(salt, payload)).to_hex() ==
          "c32b857c3e99a5a2ecba69b31e475498fd364cbeda57b7b23e4e3d9b003a5a5f");
}

TEST_CASE("chain: the digests of results are those of the test vectors", "[chain]") {
    const Digest first = chain_result(Digest{}, store_id, first_result());
    CHECK(first.to_hex() == "77052bf2187fdb4d89aebc7ca3e86bafc7693e725f7af4dba1dfc786b6ff15d1");
    ResultFields second = first_result();
    const std::string emitted = emitted_to_json({"a", "b"});
    second.result_seq = ResultSequence{2};
    second.status = "completed";
    second.result = R"({"goals":1})";
    second.error_message = "";
    second.started_at = Timestamp{7};
    second.finished_at = Timestamp{-9};
    second.emitted = emitted;
    second.note = "n";
    second.recorded_at = Timestamp{1'769'860'800'000'000'789};
    CHECK(chain_result(first, store_id, second).to_hex() ==
          "ca69c4410b874c49a05dc404a8b2b510b0b96646f88286ab2eb1b627cad8e547");
}

TEST_CASE("chain: a change of any field of an event changes its digest", "[chain]") {
    const Digest original = digest_of(first_event());
    const auto changed = [&](auto change) {
        EventView event = first_event();
        change(event);
        return digest_of(event) != original;
    };
    CHECK(changed([](EventView& event) { event.seq = Sequence{2}; }));
    CHECK(changed([](EventView& event) { event.id = "01890a5d-ac96-774b-bcce-b302099a8058"; }));
    CHECK(changed([](EventView& event) { event.type = "player:move"; }));
    CHECK(changed([](EventView& event) { event.event_version = "2"; }));
    CHECK(changed([](EventView& event) { event.stream = "player-8"; }));
    CHECK(changed([](EventView& event) { event.version = Version{2}; }));
    CHECK(changed([](EventView& event) { event.source = "other"; }));
    CHECK(changed([](EventView& event) { event.correlation_id = ""; }));
    CHECK(changed([](EventView& event) { event.causation_id = std::nullopt; }));
    CHECK(changed([](EventView& event) { event.occurred_at = Timestamp{1}; }));
    CHECK(changed([](EventView& event) { event.recorded_at = Timestamp{0}; }));
    CHECK(changed([](EventView& event) { event.tags = "{}"; }));
    CHECK(changed([](EventView& event) { event.metadata = R"({"a":1})"; }));
}

TEST_CASE("chain: bytes moved from one field to the next change the digest", "[chain]") {
    EventView event = first_event();
    event.type = "player:moved1";
    event.event_version = "";
    CHECK(digest_of(event) != digest_of(first_event()));
}

TEST_CASE("chain: another payload, salt, store or previous digest changes the digest", "[chain]") {
    const EventView event = first_event();
    const Digest original = digest_of(event);
    const Digest hash = hash_payload(salt, payload);
    CHECK(chain_event(Digest{}, store_id, event, hash_payload(salt, "{}")) != original);
    CHECK(chain_event(Digest{}, store_id, event, hash_payload(std::string(16, 'x'), payload)) != original);
    CHECK(chain_event(Digest{}, Uuid{}, event, hash) != original);
    CHECK(chain_event(original, store_id, event, hash) != original);
}

TEST_CASE("chain: a change of whether a result is recoverable, imported or null changes its digest", "[chain]") {
    const Digest original = chain_result(Digest{}, store_id, first_result());
    const auto changed = [&](auto change) {
        ResultFields fields = first_result();
        change(fields);
        return chain_result(Digest{}, store_id, fields) != original;
    };
    CHECK(changed([](ResultFields& fields) { fields.recoverable = false; }));
    CHECK(changed([](ResultFields& fields) { fields.imported = true; }));
    CHECK(changed([](ResultFields& fields) { fields.result = ""; }));
    CHECK(changed([](ResultFields& fields) { fields.started_at = Timestamp{0}; }));
    CHECK(changed([](ResultFields& fields) { fields.events_head = Sequence{2}; }));
}

TEST_CASE("chain: a hasher can be used again after each digest", "[chain]") {
    ChainHasher hasher;
    const Digest first = hasher.payload(salt, payload);
    static_cast<void>(hasher.result(Digest{}, store_id, first_result()));
    CHECK(hasher.payload(salt, payload) == first);
}

TEST_CASE("chain: emitted ids are written as a JSON array", "[chain]") {
    CHECK(emitted_to_json({}) == "[]");
    CHECK(emitted_to_json({"a\"b", "c"}) == R"(["a\"b","c"])");
}

}  // namespace daybook
