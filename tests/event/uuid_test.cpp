#include <daybook/event/uuid.hpp>

#include <algorithm>
#include <set>
#include <thread>

#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "event/thrown.hpp"

using namespace daybook;
using daybook::testkit::FakeClock;
using daybook::testkit::SeededRandom;

namespace {

// Hands out the bytes that it was given, again and again.
class FixedRandom final : public RandomSource {
  public:
    explicit FixedRandom(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
    void fill(std::span<std::byte> bytes) override {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = bytes_[i % bytes_.size()];
    }

  private:
    std::vector<std::byte> bytes_;
};

std::uint64_t milliseconds_of(const Uuid& uuid) {
    std::uint64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | std::to_integer<std::uint64_t>(uuid.bytes[i]);
    return ms;
}

}  // namespace

TEST_CASE("uuid: text in either case is read, and written in lower case") {
    const std::optional<Uuid> uuid = Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
    REQUIRE(uuid);
    CHECK(uuid->to_string() == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    CHECK(Uuid::parse(uuid->to_string()) == uuid);
}

TEST_CASE("uuid: any other form is not a UUID") {
    for (const char* text : {"", "017f22e2", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
                             "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "017f22e2-79b0-7cc3-98c4+dc0c0c07398f",
                             "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}"}) {
        CAPTURE(text);
        CHECK_FALSE(Uuid::parse(text));
    }
}

TEST_CASE("uuid v5: the example of RFC 9562, A.4, comes out") {
    const Uuid dns = *Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    CHECK(uuid_v5(dns, "www.example.com").to_string() == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST_CASE("uuid v5: another name or name space gives another id, the same two the same") {
    const Uuid a = *Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    const Uuid b = *Uuid::parse("6ba7b811-9dad-11d1-80b4-00c04fd430c8");
    CHECK(uuid_v5(a, "x") == uuid_v5(a, "x"));
    CHECK(uuid_v5(a, "x") != uuid_v5(a, "y"));
    CHECK(uuid_v5(a, "x") != uuid_v5(b, "x"));
    CHECK(uuid_v5(a, std::string_view("x\0y", 3)) != uuid_v5(a, "x"));
}

TEST_CASE("uuid v4: version and variant are set, the rest is the random source's") {
    FixedRandom ones({std::byte{0xff}});
    CHECK(uuid_v4(ones).to_string() == "ffffffff-ffff-4fff-bfff-ffffffffffff");
    FixedRandom zeros({std::byte{0}});
    CHECK(uuid_v4(zeros).to_string() == "00000000-0000-4000-8000-000000000000");
}

TEST_CASE("uuid v7: time, version, counter and variant stand where RFC 9562 puts them") {
    // The time of the RFC's example A.6, 2022-02-22T19:22:22Z; its rand_a has the counter's top bit set, ours starts low.
    FakeClock clock(Timestamp{1'645'557'742'000'000'000});
    FixedRandom random({std::byte{0xfc}, std::byte{0xc3}, std::byte{0x18}, std::byte{0xc4}, std::byte{0xdc},
                        std::byte{0x0c}, std::byte{0x0c}, std::byte{0x07}, std::byte{0x39}, std::byte{0x8f}});
    UuidV7Generator generator(clock, random);
    CHECK(generator.next().to_string() == "017f22e2-79b0-74c3-98c4-dc0c0c07398f");
}

TEST_CASE("uuid v7: 10,000 ids within one millisecond strictly increase") {
    FakeClock clock;
    SeededRandom random;
    UuidV7Generator generator(clock, random);
    Uuid last = generator.next();
    for (int i = 0; i < 10'000; ++i) {
        const Uuid next = generator.next();
        REQUIRE(next > last);
        REQUIRE(next.to_string() > last.to_string());
        last = next;
    }
}

TEST_CASE("uuid v7: a clock that steps back does not take the ids back") {
    FakeClock clock;
    SeededRandom random;
    UuidV7Generator generator(clock, random);
    const Uuid before = generator.next();
    clock.set(Timestamp{clock.now().ns - 3'600'000'000'000});
    const Uuid after = generator.next();
    CHECK(after > before);
    CHECK(milliseconds_of(after) == milliseconds_of(before));
}

TEST_CASE("uuid v7: the time follows the clock again once it is ahead") {
    FakeClock clock;
    SeededRandom random;
    UuidV7Generator generator(clock, random);
    static_cast<void>(generator.next());
    clock.advance(std::chrono::milliseconds(5));
    CHECK(milliseconds_of(generator.next()) == static_cast<std::uint64_t>(clock.now().ns / 1'000'000));
}

TEST_CASE("uuid v7: a clock before 1970 gives the time 0 and ids that still increase") {
    FakeClock clock(Timestamp{-1'000'000'000});
    SeededRandom random;
    UuidV7Generator generator(clock, random);
    const Uuid first = generator.next();
    CHECK(milliseconds_of(first) == 0);
    CHECK(generator.next() > first);
}

TEST_CASE("uuid v7: threads that share a generator never get the same id") {
    FakeClock clock;
    SeededRandom random;
    UuidV7Generator generator(clock, random);
    std::array<std::vector<Uuid>, 4> made;
    std::vector<std::thread> threads;
    for (std::vector<Uuid>& ids : made) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) ids.push_back(generator.next());
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::set<Uuid> all;
    for (const std::vector<Uuid>& ids : made) {
        CHECK(std::is_sorted(ids.begin(), ids.end()));
        all.insert(ids.begin(), ids.end());
    }
    CHECK(all.size() == 4000);
}
