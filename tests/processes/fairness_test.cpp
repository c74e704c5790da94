// Processes that write one file without pause: nobody starves at the writer lock.
#include <catch2/catch.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include <daybook/testkit/temp_directory.hpp>

#include "campaign/campaign.hpp"
#include "processes/examiner.hpp"
#include "processes/worker.hpp"

namespace daybook::processes {

TEST_CASE("processes: of four that write without pause none waits for two seconds", "[kills]") {
    campaign::Campaign campaign("four processes writing without pause", "events", 500, 20'000);
    const testkit::TempDirectory directory;
    Place place;
    place.database = directory / "log.db";
    const std::uint64_t appends = campaign::is_full() ? 4'000 : 125;
    Oracle oracle;
    std::vector<std::unique_ptr<ChildProcess>> writers;
    for (std::uint32_t number = 0; number < 4; ++number)
        writers.push_back(std::make_unique<ChildProcess>([&, number](const Reporter& reporter) {
            return write_events(place, {.writer = number, .appends = appends, .looks_first = false}, oracle, reporter);
        }));
    std::chrono::nanoseconds longest{0};
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
                longest = std::max(longest, std::chrono::nanoseconds(report.nanoseconds));
            }
        }
    }
    for (const std::unique_ptr<ChildProcess>& writer : writers) CHECK(writer->wait() == 0);
    campaign.count(oracle.acknowledged().size());
    campaign.figure("ms was the longest append",
                    static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(longest).count()));
    CHECK(longest < std::chrono::seconds(2));
    ChildProcess examiner([&](const Reporter& reporter) { return examine(place, oracle, reporter); });
    static_cast<void>(examiner.take(true));
    CHECK(examiner.wait() == 0);
    CHECK(campaign.finish() == "");
}

}  // namespace daybook::processes
