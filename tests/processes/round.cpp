#include "processes/round.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <numeric>

#include "processes/examiner.hpp"

namespace daybook::processes {

namespace {

using test_hooks::KillPoint;

// A process that hangs is a finding too.
constexpr std::chrono::seconds patience{60};

// Others that live would keep a writer from coming there; or it must be the first.
bool needs_to_be_alone(KillPoint point) {
    return point == KillPoint::file_created || point == KillPoint::opened_first ||
           point == KillPoint::before_last_unlock;
}
bool concerns_journal(KillPoint point) {
    return point == KillPoint::before_journal_append || point == KillPoint::after_journal_append ||
           point == KillPoint::journal_renamed || point == KillPoint::journal_created;
}
bool needs_bus(KillPoint point) {
    return concerns_journal(point) || point == KillPoint::before_handler || point == KillPoint::after_handler ||
           point == KillPoint::after_outcome || point == KillPoint::after_claim;
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

}  // namespace

std::uint64_t Kills::at_points() const {
    return std::accumulate(at_point.begin(), at_point.end(), std::uint64_t{0});
}

Round::Round(std::uint64_t seed, Kills& kills, test_hooks::Bug bug) : seed_(seed), kills_(kills), dice_(seed) {
    for (const std::uint64_t index : {2 * seed, 2 * seed + 1})
        first_points_.push_back(static_cast<KillPoint>(index % test_hooks::kill_points));
    if (first_points_.back() == KillPoint::file_created) std::swap(first_points_.front(), first_points_.back());
    place_.database = directory_ / "log.db";
    place_.seed = seed;
    place_.bug = bug;
    choose_place();
}

// Drawn, and then changed so that its first points can be come to.
void Round::choose_place() {
    constexpr JournalSync syncs[] = {JournalSync::every_flush, JournalSync::on_close, JournalSync::never};
    constexpr unsigned normal_percents[] = {0, 0, 0, 50, 100};
    place_.with_bus = dice_.chance(50);
    place_.in_pool = dice_.chance(30);
    place_.record_started = dice_.chance(25);
    place_.each_outcome = dice_.chance(25);
    place_.told_as_durable = dice_.chance(50);
    place_.normal_percent = normal_percents[dice_.below(std::size(normal_percents))];
    place_.journal_sync = syncs[dice_.below(std::size(syncs))];
    place_.journal_rotates_at = dice_.chance(60) ? 4'096 : 64'000;
    std::size_t writers = dice_.chance(40) ? 1 : static_cast<std::size_t>(2 + dice_.below(3));
    for (const KillPoint point : first_points_) {
        if (needs_bus(point)) place_.with_bus = true;
        if (needs_to_be_alone(point) || concerns_journal(point)) writers = 1;
        if (point == KillPoint::journal_renamed) place_.journal_rotates_at = 4'096;
    }
    if (dice_.chance(50)) place_.threads = static_cast<std::size_t>(2 + dice_.below(5));
    if (dice_.chance(50)) place_.wait_strategy = WaitStrategy::yielding;
    writers_.resize(writers);
    for (std::size_t index = 0; index < writers; ++index)
        writers_[index].errand.writer = static_cast<std::uint32_t>(index);
    readers_.resize(2);
}

void Round::begin(Writer& writer) {
    Errand errand;
    errand.writer = writer.errand.writer;
    writer.errand = errand;
    static_cast<Process&>(writer) = Process{};
    ++lives_;
    const std::uint64_t way = dice_.below(100);
    if (errand.writer == 0 && !first_points_.empty()) {
        writer.errand.killed_at = first_points_.front();
    } else if (way < 50) {
        draw_point(writer.errand);
    } else if (way < 62) {
        writer.killed_when = Clock::now() + opening_ * static_cast<int>(dice_.below(150)) / 100;
    } else {
        writer.killed_after_reports = 1 + dice_.below(10);
        // It closes then, and is killed on the way.
        if (way > 90) writer.errand.appends = writer.killed_after_reports;
    }
    // A point that is passed when it closes, or that this life may not come to: it ends by itself.
    if (writer.errand.killed_at) writer.errand.appends = 30;
    writer.begun = Clock::now();
    writer.child.emplace(
        [&](const Reporter& reporter) { return write_events(place_, writer.errand, oracle_, reporter); });
}

void Round::draw_point(Errand& errand) {
    std::vector<KillPoint> fitting;
    for (std::size_t index = 0; index < test_hooks::kill_points; ++index) {
        const auto point = static_cast<KillPoint>(index);
        if (point == KillPoint::file_created ? anybody_opened_ : needs_to_be_alone(point) && writers_.size() > 1)
            continue;
        if (!needs_bus(point) || place_.with_bus) fitting.push_back(point);
    }
    errand.killed_at = fitting[static_cast<std::size_t>(dice_.below(fitting.size()))];
    errand.passing = comes_once_an_opening(*errand.killed_at) ? 1 : static_cast<int>(1 + dice_.below(4));
}

void Round::begin(Process& reader) {
    reader = Process{};
    reader.begun = Clock::now();
    reader.killed_after_reports = 1 + dice_.below(150);
    reader.child.emplace([this](const Reporter& reporter) { return read_events(place_, oracle_, reporter); });
}

std::string Round::run(std::uint64_t kills) {
    const std::uint64_t goal = kills_.of_writers() + kills;
    for (Writer& writer : writers_) begin(writer);
    for (Process& reader : readers_) begin(reader);
    while ((kills_.of_writers() < goal || !first_points_.empty()) && found_.empty()) {
        wait_for_something();
        for (Writer& writer : writers_) attend(writer);
        for (Process& reader : readers_) attend(reader);
        if (lives_ > 20 * (kills + 10))
            find("the writers end by themselves and do not come to where they are to be killed");
    }
    kill_together();
    for (Process& reader : readers_) {
        kill(reader);
        end_reader(reader);
    }
    if (!found_.empty()) return found_ + keep_files();
    Process examiner;
    examiner.child.emplace([this](const Reporter& reporter) { return examine(place_, oracle_, reporter); });
    while (!examiner.child->over()) take(examiner, true);
    if (const int code = examiner.child->wait(); code != 0)
        find(fmt::format("the log is not what was promised ({})", code));
    return found_.empty() ? found_ : found_ + keep_files();
}

void Round::wait_for_something() {
    std::vector<pollfd> ready;
    std::optional<Clock::time_point> next_kill;
    const auto add = [&](const Process& process) {
        ready.push_back({process.child->descriptor(), POLLIN, 0});
        if (process.killed_when) next_kill = std::min(next_kill.value_or(*process.killed_when), *process.killed_when);
    };
    std::for_each(writers_.begin(), writers_.end(), add);
    std::for_each(readers_.begin(), readers_.end(), add);
    const std::chrono::nanoseconds wait = next_kill ? *next_kill - Clock::now() : patience;
    const std::chrono::nanoseconds left = std::max(wait, std::chrono::nanoseconds(0));
    const timespec timeout{static_cast<std::time_t>(left.count() / 1'000'000'000), left.count() % 1'000'000'000};
    if (::ppoll(ready.data(), ready.size(), &timeout, nullptr) == 0 && !next_kill)
        find("no process has come on for a minute");
}

void Round::attend(Writer& writer) {
    if (!writer.child) return;
    take(writer, false);
    const bool is_due = writer.killed_when && Clock::now() >= *writer.killed_when;
    if (!writer.child->over() && !is_due) return;
    if (is_due && dice_.chance(15)) {
        kill_together();
    } else {
        if (is_due) kill(writer);
        end(writer);
    }
    for (Writer& gone : writers_)
        if (!gone.child) begin(gone);
}

void Round::attend(Process& reader) {
    take(reader, false);
    const bool is_due = reader.killed_when && Clock::now() >= *reader.killed_when;
    if (!reader.child->over() && !is_due) return;
    if (is_due) kill(reader);
    end_reader(reader);
    begin(reader);
}

void Round::take(Process& process, bool wait) {
    for (const Report& report : process.child->take(wait)) {
        if (std::string contradiction = oracle_.take(report); !contradiction.empty()) find(std::move(contradiction));
        if (report.kind == Report::Kind::opened && !process.is_open) {
            process.is_open = anybody_opened_ = true;
            opening_ = (opening_ * 7 + (Clock::now() - process.begun)) / 8;
        }
        if (report.kind == Report::Kind::acknowledged || report.kind == Report::Kind::seen) ++process.reports;
    }
    // Anywhere between this report and one of the next.
    if (process.killed_after_reports > 0 && process.reports >= process.killed_after_reports && !process.killed_when)
        process.killed_when = Clock::now() + std::chrono::microseconds(dice_.below(1'500));
}

void Round::kill(Process& process) {
    process.killed_here = true;
    process.child->kill();
}

// As when all of them are in one container, or the machine's user logs out: nobody is left to look after -wal.
void Round::kill_together() {
    for (Writer& writer : writers_)
        if (writer.child) kill(writer);
    for (Writer& writer : writers_)
        if (writer.child) end(writer);
}

void Round::end(Writer& writer) {
    while (!writer.child->over()) take(writer, true);
    const int code = writer.child->wait();
    writer.child.reset();
    if (code != -SIGKILL) {
        if (code != 0) find(fmt::format("writer {} ended with {}", writer.errand.writer, code));
        return;
    }
    if (writer.errand.killed_at && !writer.killed_here) {
        ++kills_.at_point[static_cast<std::size_t>(*writer.errand.killed_at)];
        // Others may have kept it from coming there, or it was killed with them: then it tries again.
        if (!first_points_.empty() && writer.errand.writer == 0) first_points_.erase(first_points_.begin());
    } else {
        ++kills_.at_random;
        if (!writer.is_open) ++kills_.while_opening;
    }
}

void Round::end_reader(Process& reader) {
    while (!reader.child->over()) take(reader, true);
    const int code = reader.child->wait();
    if (code != -SIGKILL) find(fmt::format("a reader ended with {}", code));
    ++kills_.of_readers;
}

void Round::find(std::string what) {
    if (found_.empty()) found_ = fmt::format("seed {}: {}", seed_, what);
}

std::string Round::keep_files() {
    if (place_.bug != test_hooks::Bug::none) return {};
    const std::filesystem::path kept = directory_.path().string() + "-found";
    std::filesystem::copy(directory_.path(), kept, std::filesystem::copy_options::recursive);
    return "; its files: " + kept.string();
}

}  // namespace daybook::processes
