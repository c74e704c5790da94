// Bugs of the journal and of the verifier, planted: the searches for crash images, and what looks at damage, must find
// each of them.
#include <catch2/catch.hpp>

#include <functional>

#include <daybook/event/error.hpp>
#include <daybook/store/verify.hpp>

#include "crash/bus_search.hpp"
#include "event/test_hooks.hpp"

namespace daybook::crash {

namespace {

using campaign::Campaign;
using simulation::Dice;
using simulation::DiskImage;
using simulation::ImageSet;
using simulation::SimulatedMachine;
using test_hooks::Bug;

struct Planted {
    explicit Planted(Bug bug) { test_hooks::plant(bug); }
    ~Planted() { test_hooks::plant(Bug::none); }
    Planted(const Planted&) = delete;
    Planted& operator=(const Planted&) = delete;
};

using Search = std::function<std::string(const BusRun&, Dice&, ImageSet&, Campaign&)>;

// The first fault in at most so many images.
std::string search(const std::string& bug, std::uint64_t images_max, const Search& look) {
    Campaign campaign("planted bug " + bug, "distinct images", images_max, images_max);
    Dice dice(1);
    ImageSet seen;
    std::string fault;
    for (std::uint64_t seed = 1; fault.empty() && campaign.goes_on(); ++seed) {
        BusRunOptions options = draw_bus_run(dice, seed);
        options.durability = Durability::full;
        options.sync = JournalSync::every_flush;
        fault = look(BusRun(options), dice, seen, campaign);
    }
    if (!fault.empty()) campaign.be_content();
    campaign.figure("caught", fault.empty() ? 0 : 1);
    CHECK(campaign.finish() == "");
    return fault;
}

std::string reactions(const BusRun& run, Dice& dice, ImageSet& seen, Campaign& campaign) {
    BusFigures figures;
    return search_reactions(run, dice, seen, campaign, figures);
}

DiskImage changed(const DiskImage& image, const std::string& name, const std::function<void(std::string&)>& change) {
    DiskImage made = image;
    std::string bytes = *made.at(name);
    change(bytes);
    made[name] = std::make_shared<const std::string>(std::move(bytes));
    return made;
}

// A journal with one letter changed in its middle; whether the bus refuses it.
bool damage_is_loud() {
    const BusRun run({.seed = 3, .steps = 8, .rotate_bytes = 0});
    const DiskImage image = changed(run.machine.disk.seen(), simulation::journal_path, [](std::string& bytes) {
        const std::size_t line = bytes.find('\n', bytes.size() / 2) + 1;
        bytes[line + 40] = bytes[line + 40] == 'x' ? 'y' : 'x';
    });
    SimulatedMachine machine(image);
    try {
        static_cast<void>(journal_on(machine, run.options));
        return false;
    } catch (const Error& error) {
        return error.code() == ErrorCode::corrupt;
    }
}

// A log whose -wal has lost its last bytes, behind what was acknowledged; whether verify finds it.
bool cut_tail_is_found() {
    SimulatedMachine machine;
    EventStore store = EventStore::open(simulation::log_path, machine.options());
    NewEvent event;
    event.type = "thing:made";
    for (int count = 0; count < 5; ++count) static_cast<void>(store.append(event));
    const DiskImage image = changed(machine.disk.seen(), simulation::log_path + "-wal",
                                    [](std::string& bytes) { bytes.resize(bytes.size() - 4'200); });
    store.close();
    SimulatedMachine later(image);
    VerifyOptions options;
    options.store = later.options();
    const VerifyReport report = verify(simulation::log_path, options);
    return !report.ok() && report.events < 5 && report.problems.front().code == "log_behind_mark";
}

}  // namespace

TEST_CASE("planted: journal_directory_unsynced is caught by the journal alone", "[planted]") {
    {
        const Planted planted(Bug::journal_directory_unsynced);
        CHECK(search("journal_directory_unsynced", 2'000, search_journal) != "");
    }
    CHECK(search("none, the journal alone", 500, search_journal) == "");
}

TEST_CASE("planted: journal_tail_kept is caught by crash images with a bus", "[planted]") {
    {
        const Planted planted(Bug::journal_tail_kept);
        CHECK(search("journal_tail_kept", 3'000, reactions) != "");
    }
    CHECK(search("none, with a bus", 300, reactions) == "");
}

TEST_CASE("planted: journal_damage_skipped is caught by damage to a journal", "[planted]") {
    CHECK(damage_is_loud());
    const Planted planted(Bug::journal_damage_skipped);
    CHECK_FALSE(damage_is_loud());
}

TEST_CASE("planted: tail_unverified is caught by a -wal that lost its tail", "[planted]") {
    CHECK(cut_tail_is_found());
    const Planted planted(Bug::tail_unverified);
    CHECK_FALSE(cut_tail_is_found());
}

}  // namespace daybook::crash
