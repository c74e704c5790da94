// The command line, in this process: whatever the words, an exit code of the list, a message that can be printed, and for
// commands that read, no file changed.
//
// Input: words separated by newlines. They run in a directory of their own, on log.db, with fold.sql and lines.jsonl beside
// it. What could leave the directory, wait for others or run for long is passed over.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "cli/command_line.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/small_log.hpp"

namespace daybook::fuzz {
namespace {

constexpr std::size_t words_max = 24;

// A file in memory that stands for standard output or standard error.
class Stream {
  public:
    explicit Stream(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {
        require(descriptor_ >= 0, "there is memory for what is printed");
    }
    ~Stream() { ::close(descriptor_); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    // What was written since the last call.
    [[nodiscard]] std::string take() const {
        std::string text(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)), '\0');
        require(::pread(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
                "it is read back");
        require(::ftruncate(descriptor_, 0) == 0 && ::lseek(descriptor_, 0, SEEK_SET) == 0, "it begins anew");
        return text;
    }

  private:
    int descriptor_;
};

struct World {
    World() {
        const int nothing = ::open("/dev/null", O_RDONLY);
        require(nothing >= 0 && ::dup2(nothing, STDIN_FILENO) == STDIN_FILENO, "standard input is empty");
        ::close(nothing);
    }
    Scratch scratch{"command-line"};
    Stream out{"stdout"};
    Stream err{"stderr"};
};

using Files = std::map<std::string, std::string>;

// Without what SQLite makes for any reader: -shm, and a -wal without a byte.
Files files_in(const std::filesystem::path& directory) {
    Files files;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with("-shm")) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::string bytes(std::istreambuf_iterator<char>(file), {});
        if (!name.ends_with("-wal") || !bytes.empty()) files[name] = std::move(bytes);
    }
    return files;
}

bool is_safe(const std::vector<std::string>& words) {
    static const std::set<std::string, std::less<>> pointers = {
        "--type",          "--stream", "--id",     "--time",        "--payload",  "--metadata",
        "--event-version", "--tag",    "--source", "--correlation", "--causation"};
    for (const std::string& word : words) {
        if (word.find('\0') != std::string::npos || word == "--follow" || word.starts_with("--timeout")) return false;
        if (word.size() > 1 && word[0] == '-' && word[1] != '-' && word.find('f') != std::string::npos) return false;
        const std::size_t value = word.find('=');
        const bool is_pointer = value != std::string::npos && pointers.contains(word.substr(0, value));
        if (!is_pointer && word.find('/') != std::string::npos) return false;
    }
    return true;
}

bool only_reads(const std::vector<std::string>& words) {
    static const std::set<std::string, std::less<>> reading = {"query", "tail",       "show",  "tree",  "verify",
                                                               "head",  "unfinished", "stats", "state", "doctor"};
    if (words.empty() || !reading.contains(words.front())) return false;
    return std::none_of(words.begin(), words.end(),
                        [](const std::string& word) { return word.starts_with("--accept"); });
}

bool asks_for_json(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i)
        if (words[i] == "--format=json" || (words[i] == "--format" && i + 1 < words.size() && words[i + 1] == "json"))
            return true;
    return false;
}

void require_printable(const std::string& messages) {
    require(find_invalid_utf8(messages) == std::string_view::npos, "a message is UTF-8");
    for (const char c : messages) {
        const auto byte = static_cast<unsigned char>(c);
        require((byte >= 0x20 && byte != 0x7f) || c == '\n',
                fmt::format("a message has no control characters: {}", messages));
    }
    require(messages.empty() || messages.back() == '\n', "a message is whole lines");
}

}  // namespace

void command_line(std::string_view input) {
    static World world;
    std::vector<std::string> words;
    for (Bytes bytes(input); !bytes.empty() && words.size() < words_max;) words.emplace_back(bytes.until('\n'));
    if (!is_safe(words)) return;

    const std::filesystem::path& directory = world.scratch.fresh();
    require(::chdir(directory.c_str()) == 0, "the scratch directory can be entered");
    closed_log().write(directory / "log.db");
    std::ofstream(directory / "fold.sql")
        << "-- projection: count\n-- version: 1\n-- @init\n"
           "CREATE TABLE n(type TEXT PRIMARY KEY, events INTEGER);\n-- @on *\n"
           "INSERT INTO n VALUES(:type, 1) ON CONFLICT DO UPDATE SET events = events + 1;\n";
    std::ofstream(directory / "lines.jsonl") << "{\"kind\":\"moved\",\"at\":1530000000}\n{\"kind\":\"left\"}\n";
    const Files before = files_in(directory);

    std::vector<const char*> argv = {"daybook"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    if (!words.empty() && words.front() == "query") argv.insert(argv.end(), {"--timeout", "50ms"});
    testkit::FakeClock clock;
    testkit::SeededRandom random;
    int code = 0;
    {
        cli::Output output(world.out.descriptor(), false);
        const cli::Notes notes(world.err.descriptor(), false);
        cli::Program program{clock, random, output, notes};
        code = cli::run_command_line(program, static_cast<int>(argv.size()), argv.data());
    }
    const std::string out = world.out.take();
    const std::string err = world.err.take();

    require(code >= 0 && code <= 5,
            fmt::format("an exit code of the list, not {}: {}", code, replace_invalid_utf8(err)));
    require_printable(err);
    if (code > 1)
        require(err.ends_with("]\n") && err.find("daybook") != std::string::npos,
                "a refusal says who, what and its code");
    if (only_reads(words)) {
        const Files after = files_in(directory);
        for (const auto& [name, bytes] : after)
            require(
                before.contains(name) && before.at(name) == bytes,
                fmt::format("a command that reads changes no file, nor makes one: {}, {} bytes", name, bytes.size()));
        require(after.size() == before.size(), "a command that reads removes no file");
    }
    const bool is_help = out.find("Usage") != std::string::npos || out.starts_with("daybook ");
    if (code <= 1 && asks_for_json(words) && !is_help && !out.empty())
        require(nlohmann::json::accept(out), "what is asked for as JSON is JSON");
}

}  // namespace daybook::fuzz
