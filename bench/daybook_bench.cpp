// The bench: every row with its goal, what stands beside it in the same run, and the verdict. Ratios count, not times:
// machines are noisy. See docs/performance.md.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include <daybook/testkit/temp_directory.hpp>

#include "bench/errand.hpp"
#include "bench/growth.hpp"
#include "bench/growth_chart.hpp"
#include "bench/machine.hpp"
#include "bench/report.hpp"
#include "bench/rows.hpp"
#include "bench/setting.hpp"

namespace daybook::bench {
namespace {

struct Choice {
    bool quick = false;
    int repetitions = 0;
    std::string rows;
    std::string json;
    std::string chart;
    std::string directory;
};

std::vector<Row> all_rows() {
    std::vector<Row> rows;
    for (auto* const some : {&emit_rows, &latency_rows, &bulk_rows, &reading_rows, &process_rows})
        for (Row& row : some()) rows.push_back(std::move(row));
    return rows;
}

Measured measure(const Row& row, Setting& setting, int repetitions) {
    Measured measured{.row = &row};
    try {
        for (int i = 0; i < repetitions; ++i) measured.samples.push_back(row.measure(setting));
    } catch (const CannotMeasure& missing) {
        measured.samples.clear();
        measured.skipped = missing.what();
    }
    return measured;
}

// A row below its guard is measured again, twice at most: what a busy machine does to one row it seldom does three times.
Measured measure_guarded(const Row& row, Setting& setting, int repetitions) {
    constexpr int again_max = 2;
    Measured measured = measure(row, setting, repetitions);
    for (int again = 0; again < again_max && !guard_holds(measured); ++again)
        measured = measure(row, setting, repetitions);
    return measured;
}

// Empty: none was asked for. Told before a run of an hour, not after it.
void check_writable(const std::string& path) {
    if (!path.empty() && !std::ofstream(path, std::ios::app)) throw std::runtime_error("cannot write " + path);
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) throw std::runtime_error("cannot write " + path);
}

std::string draw_growth(const Choice& choice, const Machine& machine) {
    const std::uint64_t events = choice.quick ? 1'000'000 : 10'000'000;
    const GrowthChart chart{
        .events = events,
        .subtitles = {fmt::format("{:%Y-%m-%d}, {} x {}, {}, {}", fmt::gmtime(std::time(nullptr)), machine.processors,
                                  machine.processor, machine.system, machine.file_system),
                      fmt::format("SQLite {}, synchronous FULL, 1,000 events a commit, {} bytes of payload each",
                                  machine.sqlite, payload.size())},
        .lines = measure_growth(events)};
    return chart.to_svg();
}

int run(const Choice& choice) {
    check_writable(choice.json);
    check_writable(choice.chart);
    if (!choice.directory.empty()) ::setenv("TMPDIR", choice.directory.c_str(), 1);
    Machine machine;
    {
        const testkit::TempDirectory directory;
        machine = Machine::describe(directory.path());
    }
    std::fputs(machine.to_text().c_str(), stdout);
    std::fputs("\n", stdout);
    std::fputs(table_head().c_str(), stdout);
    Setting setting(choice.quick);
    const std::vector<Row> rows = all_rows();
    std::vector<Measured> measured;
    int missed = 0;
    std::vector<std::string> halved;
    for (const Row& row : rows) {
        if (choice.quick && !row.guard) continue;
        if (!choice.rows.empty() && !std::regex_search(row.name, std::regex(choice.rows))) continue;
        const int repetitions = choice.repetitions > 0 ? choice.repetitions : choice.quick ? 3 : row.repetitions;
        measured.push_back(choice.quick ? measure_guarded(row, setting, repetitions)
                                        : measure(row, setting, repetitions));
        std::fputs(table_line(measured.back()).c_str(), stdout);
        std::fflush(stdout);
        if (verdict_of(measured.back()) == Verdict::missed) ++missed;
        if (choice.quick && !guard_holds(measured.back()))
            halved.push_back(fmt::format("{} is below {}, three times", row.name, *row.guard));
    }
    std::printf("\n%zu rows, %d goals missed\n", measured.size(), missed);
    if (!choice.json.empty()) write_file(choice.json, to_json(machine.to_json(), measured));
    if (!choice.chart.empty()) write_file(choice.chart, draw_growth(choice, machine));
    for (const std::string& text : halved) std::fprintf(stderr, "daybook_bench: guard: %s\n", text.c_str());
    return halved.empty() ? 0 : 1;
}

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
    CLI::App app("Measures Daybook beside raw SQLite and its peers, in one run.");
    daybook::bench::Choice choice;
    app.add_flag("--quick", choice.quick,
                 "the rows of the regression guard only, small, without peers; fails on a halving");
    app.add_option("--rows", choice.rows, "only the rows whose name matches this regular expression");
    app.add_option("--repetitions", choice.repetitions, "of each row, instead of its own number")
        ->check(CLI::Range(1, 1000));
    app.add_option("--json", choice.json, "also write everything to this file, as JSON");
    app.add_option(
        "--chart", choice.chart,
        "also draw what an event costs while a log grows to 10 M events (--quick: 1 M), as SVG in this file");
    app.add_option("--directory", choice.directory, "where the logs are made; the disk that is measured")
        ->check(CLI::ExistingDirectory);
    std::vector<std::string> errand;
    app.add_option("--errand", errand, "")->group("");  // what other processes of a row do
    CLI11_PARSE(app, argc, argv);
    try {
        if (!errand.empty()) {
            daybook::bench::run_errand(errand);
            return 0;
        }
        return daybook::bench::run(choice);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "daybook_bench: %s\n", error.what());
        return 5;
    }
}
