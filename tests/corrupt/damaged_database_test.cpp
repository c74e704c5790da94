// Flipped bits and cuts all over the database file: verify says what is wrong or the log is right, whoever opens it
// afterwards gets events or an Error, and nobody crashes or hangs.
#include <catch2/catch.hpp>

#include <algorithm>

#include "corrupt/corrupt_kit.hpp"

namespace daybook {

using namespace corrupttest;

namespace {

class DatabaseCampaign {
  public:
    DatabaseCampaign(Shape shape, const char* what)
        : sample_(make_sample(shape)), campaign_(fmt::format("database file, {}, {}", name_of(shape), what)) {}

    [[nodiscard]] std::size_t bytes() const { return sample_.image.at("").size(); }
    [[nodiscard]] Campaign& campaign() { return campaign_; }

    void flip(std::size_t at, unsigned bit) {
        Image image = sample_.image;
        image.at("")[at] = static_cast<char>(image.at("")[at] ^ (1 << bit));
        is_freelist_damaged_ = at >= 32 && at < 40;  // its first page and its length, in the file's header
        try_image(image, fmt::format("bit {} of byte {}", bit, at));
    }
    void cut(std::size_t length) {
        Image image = sample_.image;
        image.at("").resize(length);
        is_freelist_damaged_ = false;
        try_image(image, fmt::format("cut to {} bytes", length));
    }
    /// Every so many images are opened for writing too, which costs several syncs.
    void write_each(std::uint64_t images) { images_between_writing_ = images; }

  private:
    void try_image(const Image& image, const std::string& what) {
        campaign_.begin(what);
        INFO(what);
        lay_out(image, path_);
        const Verdict verdict = verdict_on(path_);
        campaign_.count(verdict.ok ? "verified" : "found");
        const Reading reading = read_all(path_);
        if (reading.error) CHECK(reading.error->code() != ErrorCode::internal);
        if (verdict.ok) {
            CHECK_FALSE(reading.error);
            CHECK(reading.content.head == sample_.content.head);
            CHECK((reading.content.events == sample_.content.events));
            CHECK((reading.content.results == sample_.content.results));
            // A checkpoint's name is in no chain: under another name it is a position of this history all the same, and
            // who asks for the old name begins at the start.
            REQUIRE(reading.content.checkpoints.size() == 1);
            CHECK(reading.content.checkpoints[0].second == sample_.content.checkpoints[0].second);
        } else if (!reading.error && !is_beginning(reading.content, sample_.content)) {
            campaign_.count("read without an error though verify finds them");
        }
        if (++tried_ % images_between_writing_ == 0) try_writing(verdict);
    }

    void try_writing(const Verdict& verdict) {
        campaign_.count("opened for writing");
        std::optional<Error> refusal;
        try {
            EventStore store = EventStore::open(path_, options_for(Access::read_write));
            store.append({.type = "after:damage", .id = "after"});
            store.close();
        } catch (const Error& error) {
            refusal = error;
            CHECK(error.code() != ErrorCode::internal);
        }
        if (!verdict.ok) return;
        if (refusal && is_freelist_damaged_) {
            // SQLite 3.40.1's integrity_check does not compare the header's count of free pages with their list; who
            // needs a page does, so that the append is refused and nothing is lost.
            campaign_.count("refused when a free page was needed");
            CHECK(refusal->code() == ErrorCode::corrupt);
            CHECK((read_all(path_).content.events == sample_.content.events));
            return;
        }
        INFO((refusal ? refusal->what() : ""));
        CHECK_FALSE(refusal);
        const Verdict after = verdict_on(path_);
        INFO(after.text);
        CHECK(after.ok);
        const Reading reading = read_all(path_);
        CHECK(reading.content.events.size() == sample_.content.events.size() + 1);
        CHECK(is_beginning(sample_.content, reading.content));
    }

    const testkit::TempDirectory directory_{};
    const std::filesystem::path path_ = directory_ / "damaged.db";
    const Sample sample_;
    Campaign campaign_;
    bool is_freelist_damaged_ = false;
    std::uint64_t tried_ = 0;
    std::uint64_t images_between_writing_ = 16;
};

// A place in each stretch of `step` bytes, and one of its bits, at random; each byte of the file's header.
void flip_all_over(DatabaseCampaign& damage, std::size_t step) {
    constexpr std::size_t header_bytes = 120;
    std::uint64_t images = 0;
    for (std::size_t at = 0; at < header_bytes; ++at, ++images)
        damage.flip(at, static_cast<unsigned>(damage.campaign().random_below(8)));
    for (std::size_t begin = header_bytes; begin < damage.bytes(); begin += step, ++images) {
        const std::size_t at = begin + damage.campaign().random_below(std::min(step, damage.bytes() - begin));
        damage.flip(at, static_cast<unsigned>(damage.campaign().random_below(8)));
    }
    damage.campaign().finish(images);
    CHECK(damage.campaign().counted("found") > images / 4);
    CHECK(damage.campaign().counted("verified") > 0);
    CHECK(damage.campaign().counted("opened for writing") >= images / 16);
}

}  // namespace

TEST_CASE("damaged database: a flipped bit all over the file is found, or the log is right", "[damage]") {
    const Shape shape = GENERATE(Shape::closed, Shape::overflow);
    DatabaseCampaign damage(shape, "flipped bits");
    flip_all_over(damage, std::max<std::size_t>(1, 32 / effort()));
}

TEST_CASE("damaged database: a flipped bit under a hot -wal is found, or the log is right", "[damage]") {
    DatabaseCampaign damage(Shape::hot, "flipped bits");
    flip_all_over(damage, std::max<std::size_t>(1, 32 / effort()));
}

TEST_CASE("damaged database: a file that was cut is found, or the log is right", "[damage]") {
    const Shape shape = GENERATE(Shape::closed, Shape::overflow, Shape::hot);
    DatabaseCampaign damage(shape, "cuts");
    std::uint64_t images = 0;
    for (std::size_t length = 0; length < damage.bytes(); ++images) {
        damage.cut(length);
        // Each length at the beginning, then the ends of pages, those beside them, and some between.
        const std::size_t step =
            length < 128 ? 1 : 1 + damage.campaign().random_below(std::max<std::uint64_t>(1, 256 / effort()));
        const std::size_t page = (length / 512 + 1) * 512;
        length = length < 128 ? length + 1 : std::min(length + step, length < page - 1 ? page - 1 : length + 1);
    }
    damage.campaign().finish(images);
    CHECK(images > 250);
    CHECK(damage.campaign().counted("found") > images * 9 / 10);  // some pages are in a hot -wal too
}

TEST_CASE("damaged database: a schema format that SQLite does not know is damage, not a bug of ours", "[damage]") {
    Image image = make_sample(Shape::closed).image;
    image.at("")[47] = static_cast<char>(0x84);  // SQLite says only SQLITE_ERROR to this
    const testkit::TempDirectory directory;
    lay_out(image, directory / "damaged.db");
    CHECK_FALSE(verdict_on(directory / "damaged.db").ok);
    const Reading reading = read_all(directory / "damaged.db");
    REQUIRE(reading.error);
    CHECK(reading.error->code() == ErrorCode::corrupt);
}

TEST_CASE("damaged database: a wrong count of free pages stops an append loudly, and loses nothing", "[damage]") {
    DatabaseCampaign damage(Shape::closed, "the count of free pages");
    damage.write_each(1);
    for (std::size_t at = 32; at < 40; ++at)
        for (unsigned bit = 0; bit < 8; ++bit) damage.flip(at, bit);
    damage.campaign().finish(64);
    CHECK(damage.campaign().counted("opened for writing") == 64);
}

TEST_CASE("damaged database: every bit of every byte", "[.][campaign]") {
    DatabaseCampaign damage(Shape::closed, "every bit");
    damage.write_each(64);
    for (std::size_t at = 0; at < damage.bytes(); ++at)
        for (unsigned bit = 0; bit < 8; ++bit) damage.flip(at, bit);
    damage.campaign().finish(damage.bytes() * 8);
}

}  // namespace daybook
