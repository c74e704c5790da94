#include "store/run_ids.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

using namespace daybook;

namespace {

std::optional<std::uint64_t> find(const RunIds& ids, std::string_view id) {
    return ids.find(id, RunIds::hash_of(id));
}

}  // namespace

TEST_CASE("run ids: nothing is found in none") {
    const RunIds ids(3);
    CHECK(ids.run() == 3);
    CHECK(ids.size() == 0);
    CHECK_FALSE(find(ids, "a"));
    CHECK_FALSE(find(ids, ""));
    CHECK(ids.sorted().empty());
}

TEST_CASE("run ids: whatever is added and taken back, they hold what a map holds") {
    RunIds ids(0);
    std::mt19937_64 random(11);
    std::vector<std::pair<std::string, std::uint64_t>> added;
    std::map<std::string, std::uint64_t> expected;
    for (std::uint64_t step = 1; step <= 20'000; ++step) {
        if (random() % 3 == 0 && !added.empty()) {
            for (std::uint64_t count = 1 + random() % 2; count > 0 && !added.empty(); --count) {
                ids.remove_last();
                expected.erase(added.back().first);
                added.pop_back();
            }
        } else {
            const std::string id = std::string(random() % 30, 'x') + std::to_string(random() % 40'000);
            REQUIRE(find(ids, id).has_value() == expected.contains(id));
            if (!expected.emplace(id, step).second) continue;
            ids.add(id, step);
            added.emplace_back(id, step);
        }
        REQUIRE(ids.size() == added.size());
    }
    REQUIRE(added.size() > 500);
    for (std::size_t index = 0; index < added.size(); ++index) {
        CHECK(ids.id(index) == added[index].first);
        CHECK(ids.seq(index) == added[index].second);
        CHECK(find(ids, added[index].first) == added[index].second);
    }
    const std::vector<std::uint32_t> order = ids.sorted();
    REQUIRE(order.size() == expected.size());
    auto next = expected.begin();
    for (const std::uint32_t index : order) CHECK(ids.id(index) == (next++)->first);
}
