// Named positions: kept, compared, refused when they are of another history.
#include <daybook/store/checkpoint.hpp>

#include <catch2/catch.hpp>

#include "store/test_store.hpp"

namespace daybook {

namespace {

using test::code_of;
using test::message_of;
using test::TestStore;

struct ThreeEvents {
    TestStore test;
    EventStore store = test.open();

    ThreeEvents() {
        for (int count = 0; count < 3; ++count) store.append(NewEvent{.type = "thing:happened"});
    }
    [[nodiscard]] Checkpoint at(std::uint64_t seq, std::string name = "reader") const {
        Checkpoint made;
        made.name = std::move(name);
        const Position position = store.reader().position_at(Sequence{seq});
        made.head.store_id = position.store_id;
        made.head.seq = position.seq;
        made.head.digest = position.digest;
        made.updated_at = Timestamp{static_cast<std::int64_t>(seq) + 100};
        return made;
    }
    std::optional<ErrorCode> save(const Checkpoint& checkpoint, const std::optional<Checkpoint>& expected) {
        return code_of([&] {
            store.save_checkpoint(checkpoint, expected);
            return 0;
        });
    }
};

}  // namespace

TEST_CASE("checkpoint: what was saved is read back, also after reopening", "[checkpoint]") {
    ThreeEvents test;
    CHECK_FALSE(test.store.checkpoint("reader"));
    REQUIRE_FALSE(test.save(test.at(2), std::nullopt));
    const std::optional<Checkpoint> kept = test.store.checkpoint("reader");
    REQUIRE(kept);
    CHECK(kept->head == test.at(2).head);
    CHECK(kept->updated_at == Timestamp{102});
    test.store.close();
    EventStore again = test.test.open(Access::read);
    CHECK(again.checkpoint("reader")->head == kept->head);
}

TEST_CASE("checkpoint: one that stands elsewhere than expected is left as it is", "[checkpoint]") {
    ThreeEvents test;
    REQUIRE_FALSE(test.save(test.at(1), std::nullopt));
    CHECK(test.save(test.at(2), std::nullopt) == ErrorCode::checkpoint_conflict);
    REQUIRE_FALSE(test.save(test.at(2), test.at(1)));
    CHECK(test.save(test.at(3), test.at(1)) == ErrorCode::checkpoint_conflict);
    CHECK(test.save(test.at(3, "other"), test.at(1)) == ErrorCode::checkpoint_conflict);
    CHECK(test.store.checkpoint("reader")->head.seq == Sequence{2});
    CHECK_FALSE(test.store.checkpoint("other"));
}

TEST_CASE("checkpoint: a conflict names both positions", "[checkpoint]") {
    ThreeEvents test;
    REQUIRE_FALSE(test.save(test.at(2), std::nullopt));
    CHECK_THAT(message_of([&] {
                   test.store.save_checkpoint(test.at(3), test.at(1));
                   return 0;
               }),
               Catch::Contains("it is at event 2 and result 0") && Catch::Contains("expected at event 1 and result 0"));
}

TEST_CASE("checkpoint: it may go back", "[checkpoint]") {
    ThreeEvents test;
    REQUIRE_FALSE(test.save(test.at(3), std::nullopt));
    CHECK_FALSE(test.save(test.at(0), test.at(3)));
    CHECK(test.store.checkpoint("reader")->head.seq == Sequence{0});
}

TEST_CASE("checkpoint: a position of another history is refused", "[checkpoint]") {
    ThreeEvents test;
    Checkpoint other_store = test.at(1);
    other_store.head.store_id.bytes[0] ^= std::byte{1};
    CHECK(test.save(other_store, std::nullopt) == ErrorCode::history_diverged);
    Checkpoint other_digest = test.at(1);
    other_digest.head.digest.bytes[0] ^= std::byte{1};
    CHECK(test.save(other_digest, std::nullopt) == ErrorCode::history_diverged);
    Checkpoint ahead = test.at(3);
    ahead.head.seq = Sequence{4};
    CHECK(test.save(ahead, std::nullopt) == ErrorCode::history_diverged);
    Checkpoint result_ahead = test.at(3);
    result_ahead.head.result_seq = ResultSequence{1};
    CHECK(test.save(result_ahead, std::nullopt) == ErrorCode::history_diverged);
    CHECK(test.store.checkpoints().empty());
}

TEST_CASE("checkpoint: all are listed by name", "[checkpoint]") {
    ThreeEvents test;
    REQUIRE_FALSE(test.save(test.at(1, "b"), std::nullopt));
    REQUIRE_FALSE(test.save(test.at(2, "a"), std::nullopt));
    const std::vector<Checkpoint> all = test.store.checkpoints();
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "a");
    CHECK(all[1].name == "b");
}

TEST_CASE("checkpoint: a bad name is refused", "[checkpoint]") {
    ThreeEvents test;
    CHECK(test.save(test.at(1, ""), std::nullopt) == ErrorCode::invalid_name);
    CHECK(test.save(test.at(1, "a\x1b[0m"), std::nullopt) == ErrorCode::invalid_name);
}

}  // namespace daybook
