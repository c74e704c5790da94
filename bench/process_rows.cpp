// More than one process on one log, and what a process costs: crowds of processes, tail -f, opening, memory.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/interchange/exporter.hpp>
#include <daybook/interchange/importer.hpp>
#include <daybook/replay/fold.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "bench/child.hpp"
#include "bench/errand.hpp"
#include "bench/line_pipe.hpp"
#include "bench/log.hpp"
#include "bench/memory.hpp"
#include "bench/raw_sqlite.hpp"
#include "bench/rows.hpp"
#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t big_streams = 50'000;

NewEvent event_of(std::uint64_t stream) {
    return {.type = "bench:emitted", .payload = std::string(payload), .stream = StreamNames::name(stream)};
}

// What the processes of a crowd say together.
struct Crowd {
    double rate = 0;
    double longest_seconds = 0;
};

Crowd crowd_of_processes(const std::string& errand, const std::filesystem::path& path, Seconds time) {
    constexpr int processes = 4;
    std::vector<std::string> answers(processes);
    std::vector<std::thread> callers;
    for (int number = 0; number < processes; ++number)
        callers.emplace_back([&, number] {
            try {
                answers[static_cast<std::size_t>(number)] = output_of(
                    errand_command({errand, path.string(), std::to_string(time.count()), std::to_string(number)}));
            } catch (const std::exception& error) {
                answers[static_cast<std::size_t>(number)] = error.what();
            }
        });
    for (std::thread& caller : callers) caller.join();
    Crowd crowd;
    for (const std::string& answer : answers) {
        double rate = 0;
        double longest = 0;
        require(std::sscanf(answer.c_str(), "%lf %lf", &rate, &longest) == 2, answer);
        crowd.rate += rate;
        crowd.longest_seconds = std::max(crowd.longest_seconds, longest);
    }
    return crowd;
}

Crowd emit_in_processes(Setting& setting) {
    const testkit::TempDirectory directory;
    EventStore::open(directory / "log.db", {.access = Access::create}).close();
    return crowd_of_processes("emit", directory / "log.db", setting.time());
}

Crowd insert_in_processes(Setting& setting) {
    const testkit::TempDirectory directory;
    { const RawSqlite raw(directory / "raw.db", RawSchema::ours); }
    return crowd_of_processes("insert", directory / "raw.db", setting.time());
}

double emit_in_threads(Setting& setting) {
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", {.access = Access::create});
    return calls_per_second(4, setting.time(), [&](std::size_t thread) { store.append(event_of(thread)); });
}

// From the return of an append here to the line in another process, milliseconds at the 99th percentile; and the share of
// a processor that the other used.
struct Following {
    double p99_ms = 0;
    double processors = 0;
};

Following follow(Setting& setting) {
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", {.access = Access::create});
    store.append(event_of(0));
    int ends[2];
    require(::pipe2(ends, O_CLOEXEC) == 0, "a pipe can be made");
    const Clock::time_point begun = Clock::now();
    const std::string log = directory / "log.db";
    const pid_t pid = start_with_output({DAYBOOK_PROGRAM, "tail", "-f", "-n", "1", log}, ends[1]);
    ::close(ends[1]);
    const std::uint64_t events = setting.count(2'000);
    std::vector<Clock::time_point> arrived;
    std::thread reader([&] {
        std::FILE* const lines = ::fdopen(ends[0], "r");
        char* line = nullptr;
        std::size_t room = 0;
        while (arrived.size() <= events && ::getline(&line, &room, lines) > 0) arrived.push_back(Clock::now());
        std::free(line);
        std::fclose(lines);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    std::vector<Clock::time_point> committed;
    for (std::uint64_t n = 0; n < events; ++n) {
        store.append(event_of(n));
        committed.push_back(Clock::now());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    reader.join();
    ::kill(pid, SIGTERM);
    rusage used{};
    int status = 0;
    ::wait4(pid, &status, 0, &used);
    const Seconds passed = Clock::now() - begun;
    require(arrived.size() == events + 1, "every event came as a line");
    std::vector<double> milliseconds;
    for (std::uint64_t n = 0; n < events; ++n)
        milliseconds.push_back(std::chrono::duration<double, std::milli>(arrived[n + 1] - committed[n]).count());
    std::sort(milliseconds.begin(), milliseconds.end());
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return {std::max(0.0, milliseconds[milliseconds.size() * 99 / 100]),
            (seconds(used.ru_utime) + seconds(used.ru_stime)) / passed.count()};
}

// Peak resident megabytes of a process that does the errand.
double peak_megabytes(const std::vector<std::string>& errand) {
    return std::stod(output_of(errand_command(errand)));
}

// What is imported to see that memory does not grow with it, and what its log needs of a disk: 1.9 bytes for each were
// measured, with 1,000 streams, and -wal comes on top.
constexpr std::uint64_t imported_bytes = 10'000'000'000;
constexpr std::uint64_t imported_room = imported_bytes / 2 * 5;

void check_room(const std::filesystem::path& directory, std::uint64_t bytes) {
    constexpr std::uint64_t gigabyte = 1'000'000'000;
    const std::uint64_t available = std::filesystem::space(directory).available;
    if (available >= bytes) return;
    throw CannotMeasure(fmt::format("{} GB are needed in {}, {} GB are free: make room, or name another --directory",
                                    bytes / gigabyte, directory.parent_path().string(), available / gigabyte));
}

// Peak resident megabytes when a tenth was imported, and when all was.
struct ImportPeaks {
    double tenth = 0;
    double all = 0;
};

// Imported once, for both rows.
const ImportPeaks& import_peaks() {
    static const ImportPeaks peaks = [] {
        const testkit::TempDirectory directory;
        check_room(directory.path(), imported_room);
        const std::string answer =
            output_of(errand_command({"import", directory / "log.db", std::to_string(imported_bytes)}));
        ImportPeaks said;
        require(std::sscanf(answer.c_str(), "%lf %lf", &said.tenth, &said.all) == 2, answer);
        return said;
    }();
    return peaks;
}

double open_milliseconds(const Log& log) {
    std::vector<double> milliseconds;
    for (int round = 0; round < 5; ++round) {
        milliseconds.push_back(1000 * time_of([&] {
                                          const EventStore store = EventStore::open(log.path());
                                          require(store.head().seq.value >= log.events(), "the log is open");
                                      }).count());
    }
    return median(milliseconds);
}

// Another process appends until -wal has 64 MB, and is killed; seconds to open what it left.
double open_after_kill(const Log& log) {
    const Child filler(errand_command({"fill", log.path().string()}));
    const std::filesystem::path wal = log.path().string() + "-wal";
    std::error_code none;
    for (std::uintmax_t bytes = 0; bytes == static_cast<std::uintmax_t>(-1) || bytes < (std::uintmax_t{64} << 20);) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        bytes = std::filesystem::file_size(wal, none);
        require(::kill(filler.pid(), 0) == 0, "the other process writes");
    }
    filler.signal(SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    require(std::filesystem::file_size(wal) >= (std::uintmax_t{64} << 20), "-wal is there");
    return time_of([&] {
               const EventStore store = EventStore::open(log.path());
               require(store.head().seq.value > log.events(), "what was committed is there");
           })
        .count();
}

Row at_most(std::string name, std::string unit, double bound, int repetitions,
            std::function<double(Setting&)> measure) {
    return {.name = std::move(name),
            .limit = "",
            .unit = std::move(unit),
            .goal = Goal::at_most,
            .bound = bound,
            .repetitions = repetitions,
            .measure = [measure = std::move(measure)](Setting& setting) { return Sample{.ours = measure(setting)}; }};
}

const Log& big_log() {
    return Log::of(10 * million, big_streams);
}

}  // namespace

std::vector<Row> process_rows() {
    std::vector<Row> rows;
    rows.push_back({.name = "emit, 4 processes",
                    .limit = "raw SQLite, 4 processes under a lock file",
                    .unit = "events/s",
                    .bound = 0.9,
                    .guard = 0.35,
                    .measure = [](Setting& setting) {
                        return setting.both([&] { return emit_in_processes(setting).rate; },
                                            [&] { return insert_in_processes(setting).rate; });
                    }});
    rows.push_back({.name = "emit, 4 processes",
                    .limit = "4 threads of one process",
                    .unit = "events/s",
                    .goal = Goal::stated,
                    .measure = [](Setting& setting) {
                        return setting.both([&] { return emit_in_processes(setting).rate; },
                                            [&] { return emit_in_threads(setting); });
                    }});
    rows.push_back(at_most("emit, 4 processes: the longest wait", "s", 1, 5,
                           [](Setting& setting) { return emit_in_processes(setting).longest_seconds; }));
    rows.push_back(at_most("tail -f in another process: commit to line, p99", "ms", 5, 3,
                           [](Setting& setting) { return follow(setting).p99_ms; }));
    rows.push_back(at_most("tail -f in another process, 400 events/s: processors", "of one", 0.5, 3,
                           [](Setting& setting) { return follow(setting).processors; }));
    for (const char* const errand : {"replay", "export"})
        rows.push_back(at_most(fmt::format("peak memory, {} of 10 M events", errand), "MB", 40, 1, [errand](Setting&) {
            return peak_megabytes({errand, big_log().path().string()});
        }));
    rows.push_back(at_most("peak memory, import of 10 GB through a pipe", "MB", 40, 1,
                           [](Setting&) { return import_peaks().all; }));
    // Flat: nine tenths of the input add a tenth of the memory at most.
    rows.push_back(
        {.name = "peak memory, import of 10 GB through a pipe",
         .limit = "after 1 GB",
         .unit = "MB",
         .goal = Goal::at_most,
         .bound = 1.1,
         .repetitions = 1,
         .measure = [](Setting&) { return Sample{.ours = import_peaks().all, .limit = import_peaks().tenth}; }});
    rows.push_back({.name = "bytes on disk an event, 10 M events",
                    .limit = "bytes of payload and ids",
                    .unit = "bytes",
                    .goal = Goal::stated,
                    .repetitions = 1,
                    .measure = [](Setting&) {
                        const Log& log = big_log();
                        return Sample{.ours = static_cast<double>(std::filesystem::file_size(log.path())) /
                                              static_cast<double>(log.events()),
                                      .limit = static_cast<double>(payload.size() + ordered_id(1).size() +
                                                                   StreamNames::name(big_streams / 2).size())};
                    }});
    rows.push_back(at_most("opening 10 M events, closed cleanly", "ms", 50, 3,
                           [](Setting&) { return open_milliseconds(big_log()); }));
    rows.push_back(at_most("opening 10 M events, killed with 64 MB in -wal", "s", 1, 3,
                           [](Setting&) { return open_after_kill(big_log()); }));
    return rows;
}

// What this program does as another process --------------------------------------------------------------------

namespace {

// Emits, or inserts by hand, for so many seconds; says how many a second and the longest that one took.
void say_rate(Seconds time, const std::function<void()>& body) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
    const Clock::time_point begun = Clock::now();
    std::uint64_t count = 0;
    Clock::duration longest{};
    for (Clock::time_point before = begun; before < end; ++count) {
        body();
        const Clock::time_point after = Clock::now();
        longest = std::max(longest, after - before);
        before = after;
    }
    std::printf("%f %f\n", static_cast<double>(count) / Seconds(Clock::now() - begun).count(),
                Seconds(longest).count());
}

void emit_errand(const std::vector<std::string>& words) {
    EventStore store = EventStore::open(words.at(1));
    EventBus bus(store, {.name = "bench"});
    StreamNames streams(1000, std::stoull(words.at(3)) << 32);
    say_rate(Seconds(std::stod(words.at(2))), [&] { bus.emit(event_of(streams.next_number())); });
    bus.close();
    store.close();
}

void insert_errand(const std::vector<std::string>& words) {
    RawSqlite raw = RawSqlite::writing(words.at(1));
    const int lock = ::open((words.at(1) + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    require(lock >= 0, "the lock file can be opened");
    const std::string prefix = words.at(3) + "-";
    say_rate(Seconds(std::stod(words.at(2))), [&] {
        require(::flock(lock, LOCK_EX) == 0, "the lock can be had");
        raw.append_after_others(prefix);
        require(::flock(lock, LOCK_UN) == 0, "the lock can be given back");
    });
    ::close(lock);
}

void replay_errand(const std::vector<std::string>& words) {
    EventStore store = EventStore::open(words.at(1), {.access = Access::read});
    const auto folded = fold(store.reader(), Window{}, std::uint64_t{0},
                             [](std::uint64_t& bytes, const EventView& event) { bytes += event.payload.size(); });
    require(folded.events == store.head().seq.value, "every event was folded");
    std::printf("%f\n", peak_resident_megabytes());
}

void export_errand(const std::vector<std::string>& words) {
    EventStore store = EventStore::open(words.at(1), {.access = Access::read});
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const auto sink = sink_to_descriptor(nowhere, "nowhere");
    require(export_events(store, *sink).events == store.head().seq.value, "every event was exported");
    ::close(nowhere);
    std::printf("%f\n", peak_resident_megabytes());
}

void import_errand(const std::vector<std::string>& words) {
    double at_a_tenth = 0;
    LinePipe pipe(std::stoull(words.at(2)), [&] { at_a_tenth = peak_resident_megabytes(); });
    EventStore store = EventStore::open(words.at(1), {.access = Access::create, .checkpoint_pages = 16'000});
    const ImportSummary summary = import_file(store, pipe.path(),
                                              {.format = ImportFormat::json,
                                               .mapping = {.type = FieldSource::parse("/type"),
                                                           .stream = FieldSource::parse("/stream"),
                                                           .id = FieldSource::parse("/id"),
                                                           .payload = FieldSource::parse("/payload")},
                                               .name = "pipe"});
    const std::uint64_t lines = pipe.lines();
    require(summary.appended == lines && store.head().seq.value == lines, "the log holds every line");
    std::printf("%f %f\n", at_a_tenth, peak_resident_megabytes());
}

// Until it is killed.
void fill_errand(const std::vector<std::string>& words) {
    EventStore store = EventStore::open(words.at(1), {.checkpoint_pages = 1'000'000});
    for (StreamNames streams(big_streams, 7);;) {
        AppendRequest request;
        for (int i = 0; i < 1000; ++i) request.events.push_back(event_of(streams.next_number()));
        store.append(std::move(request));
    }
}

}  // namespace

void run_errand(const std::vector<std::string>& words) {
    static const std::map<std::string, void (*)(const std::vector<std::string>&)> errands = {
        {"emit", emit_errand},     {"insert", insert_errand}, {"replay", replay_errand},
        {"export", export_errand}, {"import", import_errand}, {"fill", fill_errand}};
    errands.at(words.at(0))(words);
}

std::vector<std::string> errand_command(std::vector<std::string> words) {
    words.insert(words.begin(), {std::filesystem::read_symlink("/proc/self/exe").string(), "--errand"});
    return words;
}

}  // namespace daybook::bench
