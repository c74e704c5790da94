#include <daybook/event/random_source.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace daybook;

TEST_CASE("system random: no two draws are alike") {
    SystemRandom random;
    std::set<std::array<std::byte, 16>> draws;
    for (int i = 0; i < 1000; ++i) {
        std::array<std::byte, 16> bytes{};
        random.fill(bytes);
        CHECK(draws.insert(bytes).second);
    }
}

TEST_CASE("system random: every byte of a large draw is filled") {
    SystemRandom random;
    std::vector<std::byte> bytes(100'000);
    random.fill(bytes);
    // 391 of each value on average; none at all of one value would be a hole.
    std::array<int, 256> counts{};
    for (const std::byte byte : bytes) ++counts[std::to_integer<std::size_t>(byte)];
    for (const int count : counts) CHECK(count > 200);
}

TEST_CASE("system random: a draw of nothing is no error") {
    SystemRandom random;
    CHECK_NOTHROW(random.fill({}));
}

TEST_CASE("system random: threads that share one never draw the same") {
    SystemRandom random;
    std::mutex mutex;
    std::set<std::array<std::byte, 24>> draws;
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                std::array<std::byte, 24> bytes{};
                random.fill(bytes);
                const std::lock_guard lock(mutex);
                draws.insert(bytes);
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(draws.size() == 4000);
}

TEST_CASE("system random: a child of fork() does not draw what its parent draws") {
    SystemRandom random;
    std::array<std::byte, 16> before{};
    random.fill(before);  // so that more is drawn than was asked for
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    std::array<std::byte, 16> own{};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        random.fill(own);
        ::_exit(::write(pipe[1], own.data(), own.size()) == static_cast<ssize_t>(own.size()) ? 0 : 1);
    }
    random.fill(own);
    std::array<std::byte, 16> childs{};
    CHECK(::read(pipe[0], childs.data(), childs.size()) == static_cast<ssize_t>(childs.size()));
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(childs != own);
    ::close(pipe[0]);
    ::close(pipe[1]);
}
