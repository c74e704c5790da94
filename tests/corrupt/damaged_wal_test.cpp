// Flipped bits and cuts all over -wal and -shm. SQLite drops a damaged -wal's tail without a word: with FULL the mark in
// the lock file must tell; without a lock file what is left may only be a beginning of the log that ends on a commit.
#include <catch2/catch.hpp>

#include <algorithm>

#include "corrupt/corrupt_kit.hpp"

namespace daybook {

using namespace corrupttest;

namespace {

class WalCampaign {
  public:
    WalCampaign(Shape shape, bool with_lock_file, Durability durability, const char* what)
        : sample_(make_sample(shape, durability)),
          with_lock_file_(with_lock_file),
          durability_(durability),
          campaign_(fmt::format("-wal, {}, {}, {}, {}", name_of(shape),
                                durability == Durability::full ? "FULL" : "NORMAL",
                                with_lock_file ? "lock file" : "no lock file", what)) {}

    [[nodiscard]] std::size_t bytes() const { return sample_.image.at("-wal").size(); }
    [[nodiscard]] Campaign& campaign() { return campaign_; }

    void flip(std::size_t at, unsigned bit) {
        Image image = damaged();
        image.at("-wal")[at] = static_cast<char>(image.at("-wal")[at] ^ (1 << bit));
        try_image(image, fmt::format("bit {} of byte {}", bit, at));
    }
    void cut(std::size_t length) {
        Image image = damaged();
        image.at("-wal").resize(length);
        try_image(image, fmt::format("cut to {} bytes", length));
    }

  private:
    [[nodiscard]] Image damaged() const {
        Image image = sample_.image;
        image.erase("-shm");  // what a machine that was switched off leaves
        if (!with_lock_file_) image.erase(".lock");
        return image;
    }

    void try_image(const Image& image, const std::string& what) {
        campaign_.begin(what);
        INFO(what);
        lay_out(image, path_);
        const Verdict verdict = verdict_on(path_);
        const Reading reading = read_all(path_);
        const bool whole = !reading.error && reading.content == sample_.content;
        INFO("verify: " << verdict.text);
        INFO("reading: " << (reading.error ? reading.error->what() : "no error") << ", up to event "
                         << reading.content.head.seq.value);
        // Whatever is read without an error is a state that the log once had, ending on a commit.
        const bool is_commit =
            std::find(sample_.commits.begin(), sample_.commits.end(), reading.content) != sample_.commits.end();
        if (reading.error) {
            campaign_.count("refused");
            CHECK(reading.error->code() != ErrorCode::internal);
            CHECK_FALSE(verdict.ok);
            // Before the log's first checkpoint all of it is in -wal, also what says that it is a log.
            CHECK((reading.error->code() == ErrorCode::corrupt || reading.error->code() == ErrorCode::not_a_daybook));
        } else {
            CHECK(is_commit);
            campaign_.count(whole ? "whole" : "a beginning");
        }
        const bool mark_must_tell = with_lock_file_ && durability_ == Durability::full;
        if (!whole && !reading.error && mark_must_tell) {
            CHECK(verdict.has("log_behind_mark"));
            CHECK(reading.warnings.size() == 1);
        }
        if (!whole && !reading.error && !mark_must_tell) {
            CHECK(verdict.ok);  // NORMAL permits it, and without a mark nobody can know
            CHECK(reading.warnings.empty());
        }
        if (whole) CHECK(verdict.ok);
        if (++tried_ % 12 == 0) try_writing(image, whole, reading, mark_must_tell);
    }

    void try_writing(const Image& image, bool whole, const Reading& reading, bool mark_must_tell) {
        campaign_.count("opened for writing");
        std::optional<ErrorCode> refusal;
        try {
            EventStore store = EventStore::open(path_, options_for(Access::read_write, durability_));
            store.append({.type = "after:damage", .id = "after"});
            store.close();
        } catch (const Error& error) {
            refusal = error.code();
            CHECK(error.code() != ErrorCode::internal);
        }
        if (reading.error) return;
        if (whole || !mark_must_tell) {
            CHECK_FALSE(refusal);
            CHECK(verdict_on(path_).ok);
            const Reading after = read_all(path_);
            CHECK(after.content.events.size() == reading.content.events.size() + 1);
            CHECK(is_beginning(reading.content, after.content));
        } else {
            CHECK(refusal == ErrorCode::log_behind_mark);
            CHECK(bytes_of(path_.native() + "-wal") == image.at("-wal"));  // the evidence stays
            CHECK(bytes_of(path_) == image.at(""));
        }
    }

    const testkit::TempDirectory directory_{};
    const std::filesystem::path path_ = directory_ / "damaged.db";
    const Sample sample_;
    const bool with_lock_file_;
    const Durability durability_;
    Campaign campaign_;
    std::uint64_t tried_ = 0;
};

void damage_all_over(WalCampaign& damage, std::size_t step) {
    std::uint64_t images = 0;
    const std::size_t dense = std::min<std::size_t>(damage.bytes(), 32 + 24);  // the headers of the file and a frame
    for (std::size_t at = 0; at < dense; ++at, ++images)
        damage.flip(at, static_cast<unsigned>(damage.campaign().random_below(8)));
    for (std::size_t begin = dense; begin < damage.bytes(); begin += step, ++images) {
        const std::size_t at = begin + damage.campaign().random_below(std::min(step, damage.bytes() - begin));
        damage.flip(at, static_cast<unsigned>(damage.campaign().random_below(8)));
    }
    for (std::size_t length = 0; length < damage.bytes();
         length += 1 + damage.campaign().random_below(step * 2), ++images)
        damage.cut(length);
    damage.campaign().finish(images);
    CHECK(images > 100);
    CHECK(damage.campaign().counted("whole") < images / 2);
    CHECK(damage.campaign().counted("a beginning") + damage.campaign().counted("refused") > images / 3);
}

constexpr std::size_t step_bytes = 160;

std::size_t step() {
    return std::max<std::size_t>(1, step_bytes / effort());
}

}  // namespace

TEST_CASE("damaged -wal: with FULL a lost tail is found by the mark, and nothing is written", "[damage]") {
    WalCampaign damage(Shape::hot, true, Durability::full, "flips and cuts");
    damage_all_over(damage, step());
    CHECK(damage.campaign().counted("a beginning") > 0);
}

TEST_CASE("damaged -wal: of a log that is all in -wal what is left is found by the mark, or refused", "[damage]") {
    WalCampaign damage(Shape::young, true, Durability::full, "flips and cuts");
    damage_all_over(damage, 2 * step());
}

TEST_CASE("damaged -wal: without a lock file what is left is a beginning that ends on a commit, never anything else",
          "[damage]") {
    WalCampaign damage(Shape::hot, false, Durability::full, "flips and cuts");
    damage_all_over(damage, 2 * step());
}

TEST_CASE("damaged -wal: with NORMAL a lost tail behind the checkpoint is permitted and no alarm", "[damage]") {
    WalCampaign damage(Shape::hot, true, Durability::normal, "flips and cuts");
    damage_all_over(damage, 2 * step());
}

TEST_CASE("damaged -shm: while nobody has it open it may hold anything, and nothing is lost", "[damage]") {
    const Sample sample = make_sample(Shape::hot);
    REQUIRE(sample.image.at("-shm").size() >= 32'768);
    const testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "damaged.db";
    Campaign campaign("-shm, hot, flips, garbage and cuts");
    const std::uint64_t wanted = 150 * effort();
    for (std::uint64_t number = 0; number < wanted; ++number) {
        Image image = sample.image;
        std::string& shm = image.at("-shm");
        const std::uint64_t kind = number % 3;
        if (kind == 0) {  // in its header and the first of its hash table
            for (int flips = 0; flips < 3; ++flips)
                shm[campaign.random_below(512)] ^= static_cast<char>(1U << campaign.random_below(8));
        } else if (kind == 1) {
            for (char& byte : shm) byte = static_cast<char>(campaign.random_below(256));
        } else {
            shm.resize(campaign.random_below(shm.size()));
        }
        campaign.begin(fmt::format("kind {}", kind));
        lay_out(image, path);
        if (number % 5 != 0) {
            const Reading reading = read_all(path);
            CHECK_FALSE(reading.error);
            CHECK(reading.warnings.empty());
            CHECK(reading.content == sample.content);
        }
        if (number % 5 == 0 || number % 7 == 0) {
            EventStore store = EventStore::open(path, options_for(Access::read_write));
            store.append({.type = "after:damage"});
            CHECK(is_beginning(sample.content, content_of(store)));
            store.close();
        }
        CHECK(verdict_on(path).ok);
    }
    campaign.finish(wanted);
}

TEST_CASE("damaged lock file: a mark with a flipped bit, or cut short, is no mark: no alarm, and the next one is whole",
          "[damage]") {
    const Sample sample = make_sample(Shape::closed);
    REQUIRE(sample.image.at(".lock").size() == 112);
    const testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "damaged.db";
    Campaign campaign("lock file, closed, each byte flipped, each length");
    const auto try_lock_file = [&](const std::string& bytes, const std::string& what) {
        campaign.begin(what);
        INFO(what);
        Image image = sample.image;
        image.at(".lock") = bytes;
        lay_out(image, path);
        const Reading reading = read_all(path);
        CHECK_FALSE(reading.error);
        CHECK(reading.warnings.empty());
        CHECK(reading.content == sample.content);
        if (campaign.random_below(8) != 0) return;
        EventStore store = EventStore::open(path, options_for(Access::read_write));
        CHECK(store.warnings().empty());
        store.close();
        CHECK(bytes_of(path.native() + ".lock") == sample.image.at(".lock"));
    };
    for (std::size_t at = 0; at < 112; ++at) {
        std::string bytes = sample.image.at(".lock");
        bytes[at] = static_cast<char>(bytes[at] ^ (1U << campaign.random_below(8)));
        try_lock_file(bytes, fmt::format("byte {}", at));
        try_lock_file(sample.image.at(".lock").substr(0, at), fmt::format("cut to {} bytes", at));
    }
    campaign.finish(224);
}

}  // namespace daybook
