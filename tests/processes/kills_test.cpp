// Real processes on a real file, ended by SIGKILL: at random moments and at each named point of the code.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <set>

#include <daybook/testkit/temp_directory.hpp>

#include "campaign/campaign.hpp"
#include "processes/child_process.hpp"
#include "processes/worker.hpp"
#include "simulation/dice.hpp"

namespace daybook::processes {

namespace {

using campaign::Campaign;
using simulation::Dice;
using test_hooks::KillPoint;

// A writer that hangs is a finding too.
constexpr std::chrono::seconds patience{60};

bool only_in_new_file(KillPoint point) {
    return point == KillPoint::file_created;
}
// Others that live, or that hold the journal, would keep a writer from coming there.
bool only_alone(KillPoint point) {
    return point == KillPoint::opened_first || point == KillPoint::before_last_unlock ||
           point == KillPoint::before_journal_append || point == KillPoint::after_journal_append ||
           point == KillPoint::journal_renamed || point == KillPoint::journal_created;
}
bool only_with_bus(KillPoint point) {
    switch (point) {
        case KillPoint::before_handler:
        case KillPoint::after_handler:
        case KillPoint::after_outcome:
        case KillPoint::after_claim:
        case KillPoint::before_journal_append:
        case KillPoint::after_journal_append:
        case KillPoint::journal_renamed:
        case KillPoint::journal_created:
            return true;
        default:
            return false;
    }
}
bool comes_once_an_opening(KillPoint point) {
    switch (point) {
        case KillPoint::file_created:
        case KillPoint::before_migration:
        case KillPoint::after_migration:
        case KillPoint::opened_first:
        case KillPoint::after_claim:
        case KillPoint::journal_created:
        case KillPoint::before_close:
        case KillPoint::before_last_unlock:
            return true;
        default:
            return false;
    }
}

// One file, some writers that are killed and begin again, some readers; in the end the log is looked into.
class Round {
  public:
    Round(std::uint64_t seed, std::array<std::uint64_t, test_hooks::kill_points>& hits) : dice_(seed), hits_(hits) {
        place_.database = directory_ / "log.db";
        place_.seed = seed;
        place_.with_bus = dice_.chance(60);
        const std::size_t writers = dice_.chance(50) ? 1 : static_cast<std::size_t>(2 + dice_.below(3));
        for (std::uint32_t number = 0; number < writers; ++number) {
            writers_.emplace_back();
            writers_.back().number = number;
        }
        for (std::uint64_t count = dice_.below(3); count > 0; --count)
            readers_.emplace_back([place = place_](const Reporter& reporter) { return read_events(place, reporter); });
    }

    /// Kills about so many writers. Returns how many.
    std::uint64_t run(std::uint64_t kills) {
        for (Writer& writer : writers_) begin(writer);
        while (kills_ < kills) {
            wait_for_reports();
            for (Writer& writer : writers_) attend(writer);
        }
        for (Writer& writer : writers_) {
            writer.child->kill();
            end(writer);
        }
        for (ChildProcess& reader : readers_) {
            for (const Report& report : reader.take(false))
                if (report.kind == Report::Kind::fault) fault_ = "a reader saw history change";
            reader.kill();
            const int code = reader.wait();
            if (code != -SIGKILL) fault_ = fmt::format("a reader ended with {}", code);
        }
        readers_.clear();
        ChildProcess examiner([this](const Reporter&) { return examine(place_, acknowledged_); });
        static_cast<void>(examiner.take(true));
        if (const int code = examiner.wait(); code != 0)
            fault_ = fmt::format("the log is not what was promised ({})", code);
        return kills_;
    }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_.size(); }
    [[nodiscard]] const std::string& fault() const { return fault_; }

  private:
    struct Writer {
        std::uint32_t number = 0;
        std::optional<ChildProcess> child;
        Errand errand;
        std::uint64_t acks = 0;
        std::uint64_t killed_after_acks = 0;  // when no point is armed
        std::uint64_t last = 0;               // acknowledged
    };

    void begin(Writer& writer) {
        Errand errand;
        errand.writer = writer.number;
        errand.first_number = writer.last + 1;
        if (dice_.chance(50)) {
            errand.killed_at = draw_point();
            if (errand.killed_at)
                errand.passing = comes_once_an_opening(*errand.killed_at) ? 1 : static_cast<int>(1 + dice_.below(4));
        }
        is_new_ = false;
        // A point that is passed when it closes, or that this life may not come to: it ends by itself.
        if (errand.killed_at) errand.events = 12 + dice_.below(30);
        writer.errand = errand;
        writer.acks = 0;
        writer.killed_after_acks = dice_.below(12);
        writer.child.emplace(
            [place = place_, errand](const Reporter& reporter) { return write_events(place, errand, reporter); });
    }

    // One that this life can come to; rather one that nobody has been killed at yet.
    std::optional<KillPoint> draw_point() {
        std::vector<KillPoint> fitting;
        std::vector<KillPoint> missing;
        for (std::size_t index = 0; index < test_hooks::kill_points; ++index) {
            const auto point = static_cast<KillPoint>(index);
            if ((only_in_new_file(point) && !is_new_) || (only_alone(point) && writers_.size() > 1) ||
                (only_with_bus(point) && !place_.with_bus))
                continue;
            fitting.push_back(point);
            if (hits_[index] == 0) missing.push_back(point);
        }
        const std::vector<KillPoint>& drawn_from = missing.empty() ? fitting : missing;
        if (drawn_from.empty()) return std::nullopt;
        return drawn_from[static_cast<std::size_t>(dice_.below(drawn_from.size()))];
    }

    void wait_for_reports() {
        std::vector<pollfd> ready;
        for (const Writer& writer : writers_) ready.push_back({writer.child->descriptor(), POLLIN, 0});
        // Shorter when one is to be killed before it has said anything.
        const bool now = std::any_of(writers_.begin(), writers_.end(), [](const Writer& writer) {
            return !writer.errand.killed_at && writer.acks >= writer.killed_after_acks;
        });
        const int count = ::poll(ready.data(), ready.size(), now ? 0 : static_cast<int>(patience.count()) * 1'000);
        if (count == 0 && !now) {
            fault_ = "no writer has come on for a minute";
            kills_ = UINT64_MAX;
        }
    }

    void attend(Writer& writer) {
        take(writer, false);
        if (!writer.child->over() && (writer.errand.killed_at || writer.acks < writer.killed_after_acks)) return;
        if (!writer.child->over()) {
            // Anywhere between this report and the next.
            const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(dice_.below(1'500));
            while (std::chrono::steady_clock::now() < moment) {
            }
            writer.child->kill();
        }
        end(writer);
        begin(writer);
    }

    void take(Writer& writer, bool wait) {
        for (const Report& report : writer.child->take(wait)) {
            if (report.kind != Report::Kind::acknowledged) continue;
            acknowledged_[{report.writer, report.number}] = report.seq;
            writer.last = std::max(writer.last, report.number);
            ++writer.acks;
        }
    }

    void end(Writer& writer) {
        while (!writer.child->over()) take(writer, true);
        const int code = writer.child->wait();
        writer.child.reset();
        if (code == -SIGKILL) {
            if (kills_ != UINT64_MAX) ++kills_;
            if (writer.errand.killed_at) ++hits_[static_cast<std::size_t>(*writer.errand.killed_at)];
        } else if (code != 0) {
            fault_ = fmt::format("writer {} ended with {}", writer.number, code);
        }
    }

    testkit::TempDirectory directory_;
    Place place_;
    Dice dice_;
    std::array<std::uint64_t, test_hooks::kill_points>& hits_;
    std::vector<Writer> writers_;
    std::vector<ChildProcess> readers_;
    Acknowledged acknowledged_;
    std::uint64_t kills_ = 0;
    bool is_new_ = true;
    std::string fault_;
};

}  // namespace

TEST_CASE("processes: whoever is killed, wherever, what was acknowledged is there, once and in order", "[kills]") {
    Campaign campaign("killed processes", "kills", 250, 3'000);
    std::array<std::uint64_t, test_hooks::kill_points> hits{};
    std::uint64_t rounds = 0;
    std::uint64_t acknowledged = 0;
    const auto every_point = [&] {
        return std::all_of(hits.begin(), hits.end(), [](std::uint64_t n) { return n > 0; });
    };
    for (std::uint64_t seed = campaign.seed(); campaign.goes_on() || (!every_point() && rounds < 40); ++seed) {
        Round round(seed, hits);
        campaign.count(round.run(20));
        acknowledged += round.acknowledged();
        ++rounds;
        if (!round.fault().empty()) {
            FAIL_CHECK("seed " << seed << ": " << round.fault());
            break;
        }
    }
    std::uint64_t at_points = 0;
    std::uint64_t points = 0;
    for (std::size_t index = 0; index < hits.size(); ++index) {
        INFO(test_hooks::to_string(static_cast<KillPoint>(index)));
        CHECK(hits[index] > 0);
        at_points += hits[index];
        points += hits[index] > 0 ? 1 : 0;
    }
    campaign.figure("of them at named points", at_points);
    campaign.figure("named points", points);
    campaign.figure("rounds", rounds);
    campaign.figure("acknowledged events", acknowledged);
    CHECK(campaign.finish() == "");
}

TEST_CASE("processes: of two that recover at the same time each handler is run by one", "[kills]") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const testkit::TempDirectory directory;
        Place place;
        place.database = directory / "log.db";
        place.with_bus = true;
        place.seed = seed;
        constexpr std::uint64_t left = 60;
        ChildProcess leaver([&](const Reporter&) { return leave_unfinished(place, left); });
        static_cast<void>(leaver.take(true));
        REQUIRE(leaver.wait() == 0);

        std::array<int, 2> start{};
        REQUIRE(::pipe(start.data()) == 0);
        std::vector<ChildProcess> recoverers;
        for (int count = 0; count < 2; ++count)
            recoverers.emplace_back([&](const Reporter& reporter) { return recover_at(place, start[0], reporter); });
        REQUIRE(::write(start[1], "go", 2) == 2);
        std::uint64_t ran = 0;
        for (ChildProcess& recoverer : recoverers) {
            for (const Report& report : recoverer.take(true)) ran += report.number;
            CHECK(recoverer.wait() == 0);
        }
        ::close(start[0]);
        ::close(start[1]);
        CHECK(ran == left);
        ChildProcess examiner([&](const Reporter&) { return examine(place, {}); });
        static_cast<void>(examiner.take(true));
        CHECK(examiner.wait() == 0);
    }
}

TEST_CASE("processes: of four that write without pause none waits for two seconds", "[kills]") {
    Campaign campaign("four processes writing without pause", "appends", 200, 8'000);
    const testkit::TempDirectory directory;
    Place place;
    place.database = directory / "log.db";
    const std::uint64_t each = campaign::is_full() ? 4'000 : 256;
    std::vector<ChildProcess> writers;
    for (std::uint32_t number = 0; number < 4; ++number)
        writers.emplace_back([&, number](const Reporter& reporter) {
            return write_events(place, {.writer = number, .events = each}, reporter);
        });
    Acknowledged acknowledged;
    std::uint64_t longest_ns = 0;
    for (ChildProcess& writer : writers) {
        while (!writer.over()) {
            for (const Report& report : writer.take(true)) {
                if (report.kind == Report::Kind::waited) longest_ns = std::max(longest_ns, report.seq);
                if (report.kind != Report::Kind::acknowledged) continue;
                acknowledged[{report.writer, report.number}] = report.seq;
                campaign.count();
            }
        }
        CHECK(writer.wait() == 0);
    }
    campaign.figure("ms was the longest wait", longest_ns / 1'000'000);
    CHECK(longest_ns < 2'000'000'000);
    ChildProcess examiner([&](const Reporter&) { return examine(place, acknowledged); });
    static_cast<void>(examiner.take(true));
    CHECK(examiner.wait() == 0);
    CHECK(campaign.finish() == "");
}

}  // namespace daybook::processes
