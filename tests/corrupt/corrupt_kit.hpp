// What the tests of damage share: small logs of several shapes with all that is known of them (the oracle), images of
// their files to be damaged, and campaigns that count.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook::corrupttest {

/// All that a reader can be told of a log.
struct Content {
    Head head;
    std::vector<Event> events;
    std::vector<EventResult> results;
    std::vector<std::pair<std::string, Head>> checkpoints;
    bool operator==(const Content&) const = default;
};

/// The bytes of a log's files by suffix: "", "-wal", "-shm", ".lock".
using Image = std::map<std::string, std::string>;

enum class Shape : std::uint8_t {
    closed,    ///< everything in the database file: results, streams, checkpoints, a clock step
    overflow,  ///< closed too; payloads of several pages, and of none
    hot,       ///< half of it in the database file, half in -wal, as a killed writer leaves it
    young,     ///< never checkpointed since it was made: all events in -wal
};
[[nodiscard]] std::string_view name_of(Shape shape);

struct Sample {
    Image image;
    Content content;               ///< of the whole
    std::vector<Content> commits;  ///< after each commit, the first being that of the empty log
};

/// Pages of 512 bytes, so that every byte of the file can be tried.
[[nodiscard]] Sample make_sample(Shape shape, Durability durability = Durability::full);

[[nodiscard]] StoreOptions options_for(Access access, Durability durability = Durability::full);
[[nodiscard]] std::string bytes_of(const std::filesystem::path& path);
/// Makes `path` and the files beside it what the image says, and removes what it does not name.
void lay_out(const Image& image, const std::filesystem::path& path);
[[nodiscard]] Image image_of(const std::filesystem::path& path);

/// Everything that reading gives: before the error, if there was one.
struct Reading {
    Content content;
    std::optional<Error> error;
    std::vector<std::string> warnings;
};
[[nodiscard]] Reading read_all(const std::filesystem::path& path);
[[nodiscard]] Content content_of(const EventStore& store);
/// Whether `part` is the beginning of `whole`, event for event and result for result.
[[nodiscard]] bool is_beginning(const Content& part, const Content& whole);

/// What verify says; nothing when it refuses the file as none of its own.
struct Verdict {
    bool ok = false;
    std::string text;  ///< the codes, or the error
    bool has(std::string_view code) const { return text.find(code) != std::string::npos; }
};
[[nodiscard]] Verdict verdict_on(const std::filesystem::path& path);

/// Counts images, names the one under test when the process dies or hangs, prints its figures, and fails when it did
/// not reach its count.
class Campaign {
  public:
    static constexpr std::uint64_t seed = 20'260'131;

    explicit Campaign(std::string name);
    ~Campaign();
    Campaign(const Campaign&) = delete;
    Campaign& operator=(const Campaign&) = delete;

    /// One more image: 20 seconds from now it hangs.
    void begin(std::string image);
    void count(std::string_view what) { ++figures_[std::string(what)]; }
    [[nodiscard]] std::uint64_t counted(std::string_view what) const;
    [[nodiscard]] std::uint64_t random_below(std::uint64_t limit) { return random_() % limit; }
    /// Prints; requires at least `images`.
    void finish(std::uint64_t images);

  private:
    const std::string name_;
    std::mt19937_64 random_{seed};
    std::map<std::string, std::uint64_t> figures_;
    std::uint64_t images_ = 0;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// 1 in an ordinary run; DAYBOOK_CORRUPT_EFFORT says how many times more is tried.
[[nodiscard]] std::uint64_t effort();

}  // namespace daybook::corrupttest
