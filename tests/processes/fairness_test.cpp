// Processes that write one file without pause: nobody starves at the writer lock.
#include <catch2/catch.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include <daybook/testkit/temp_directory.hpp>

#include "campaign/campaign.hpp"
#include "processes/examiner.hpp"
#include "processes/worker.hpp"

namespace daybook::processes {

namespace {

using namespace std::chrono_literals;

struct Contest {
    std::uint64_t events = 0;
    std::chrono::nanoseconds longest{0};  // append, from call to return
    std::uint64_t overtaken = 0;          // events of others between two appends of one writer, at most
};

// Four processes append so often each, without pause; then the log is looked into.
Contest write_without_pause(const Place& place, std::uint64_t appends) {
    Contest contest;
    Oracle oracle;
    std::vector<std::unique_ptr<ChildProcess>> writers;
    for (std::uint32_t number = 0; number < 4; ++number)
        writers.push_back(std::make_unique<ChildProcess>([&, number](const Reporter& reporter) {
            return write_events(place, {.writer = number, .appends = appends, .looks_first = false}, oracle, reporter);
        }));
    std::map<std::uint32_t, std::uint64_t> last_seq;
    // All of them together: a full pipe must not make one pause.
    const auto writes = [](const std::unique_ptr<ChildProcess>& writer) { return !writer->over(); };
    while (std::any_of(writers.begin(), writers.end(), writes)) {
        std::vector<pollfd> ready;
        for (const std::unique_ptr<ChildProcess>& writer : writers)
            if (writes(writer)) ready.push_back({writer->descriptor(), POLLIN, 0});
        static_cast<void>(::poll(ready.data(), ready.size(), -1));
        for (const std::unique_ptr<ChildProcess>& writer : writers) {
            for (const Report& report : writer->take(false)) {
                CHECK(oracle.take(report) == "");
                contest.longest = std::max(contest.longest, std::chrono::nanoseconds(report.nanoseconds));
                if (report.kind != Report::Kind::acknowledged) continue;
                std::uint64_t& last = last_seq[report.who];
                if (last != 0) contest.overtaken = std::max(contest.overtaken, report.seq - last - 1);
                last = report.seq;
            }
        }
    }
    for (const std::unique_ptr<ChildProcess>& writer : writers) CHECK(writer->wait() == 0);
    ChildProcess examiner([&](const Reporter& reporter) { return examine(place, oracle, reporter); });
    static_cast<void>(examiner.take(true));
    CHECK(examiner.wait() == 0);
    contest.events = oracle.acknowledged().size();
    return contest;
}

}  // namespace

TEST_CASE("processes: of four that write without pause none waits for two seconds", "[kills]") {
    campaign::Campaign campaign("four processes writing without pause", "events", 500, 20'000);
    const testkit::TempDirectory directory;
    Place place;
    place.database = directory / "log.db";
    place.checkpoint_pages =
        StoreOptions().checkpoint_pages;  // as users have it: rarer and longer than in the other tests
    const Contest contest = write_without_pause(place, campaign::is_full() ? 4'000 : 100);
    campaign.count(contest.events);
    campaign.figure("ms was the longest append", static_cast<std::uint64_t>(contest.longest / 1ms));
    campaign.figure("events of others came between two appends of one", contest.overtaken);
    CHECK(contest.longest < 2s);
    CHECK(campaign.finish() == "");
}

}  // namespace daybook::processes
