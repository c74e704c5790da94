// Flipped bits and cuts all over a journal as a bus wrote it: a torn tail is cut and fed again from the log, a damaged
// record is a loud error, and comparing with the log finds what differs.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include <daybook/bus/event_bus.hpp>
#include <daybook/interchange/journal_reader.hpp>
#include <daybook/middleware/journal.hpp>

#include "corrupt/corrupt_kit.hpp"

namespace daybook {

using namespace corrupttest;

namespace {

class JournalCampaign {
  public:
    explicit JournalCampaign(const char* what) : campaign_(fmt::format("journal, {}", what)) {
        EventBus bus = open_bus();
        bus.on("order:placed", {.name = "bill"},
               [](const Event&, HandlerContext& context) {
                   context.emit(NewEvent{.type = "order:billed", .payload = R"({"sum":1.50,"note":"\u00e4\n\"x\""})"});
                   return std::string(R"({"billed":true})");
               })
            .release();
        for (const char* payload : {R"({"n":1})", "[2,null]", R"("three")"})
            bus.emit(NewEvent{.type = "order:placed", .payload = payload, .stream = "order-1", .tags = {{"k", "v"}}});
        bus.close();
        whole_ = bytes_of(journal_);
        last_line_ = whole_.rfind('\n', whole_.size() - 2) + 1;
        const JournalComparison comparison = compare();
        REQUIRE(comparison.ok());
        REQUIRE(comparison.notes.empty());
        REQUIRE(comparison.events == 6);
    }

    [[nodiscard]] const std::string& whole() const { return whole_; }
    [[nodiscard]] Campaign& campaign() { return campaign_; }

    void flip(std::size_t at, unsigned bit) {
        std::string text = whole_;
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
        campaign_.begin(fmt::format("bit {} of byte {}", bit, at));
        INFO("bit " << bit << " of byte " << at << " of " << whole_.size());
        write(text);
        const auto [records, damaged, torn] = read();
        // A flip is never passed over: it is damage, or, in the last line's end, a torn tail.
        CHECK(damaged + torn >= 1);
        if (torn > 0) CHECK(at + 1 == whole_.size());
        const JournalComparison comparison = compare();
        CHECK((!comparison.ok() || !comparison.notes.empty()));
        if (at + 1 < whole_.size()) CHECK_FALSE(comparison.ok());
        if (++tried_ % 8 == 0) try_bus(text, at + 1 < whole_.size());
    }
    void cut(std::size_t length) {
        const std::string text = whole_.substr(0, length);
        campaign_.begin(fmt::format("cut to {} bytes", length));
        INFO("cut to " << length << " of " << whole_.size() << " bytes");
        write(text);
        const auto [records, damaged, torn] = read();
        CHECK(damaged == 0);
        const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
        // A line that lacks only its newline is whole for who reads.
        const bool is_line = length > 0 && length < whole_.size() && whole_[length] == '\n';
        CHECK(records == lines + (is_line ? 1 : 0));
        CHECK((torn > 0) == (!text.empty() && text.back() != '\n' && !is_line));
        if (length > whole_.find('\n')) CHECK(compare().ok());  // it lags behind the log, which is noted
        const JournalComparison comparison = compare();
        if (length + 1 < whole_.size())
            CHECK((!comparison.ok() || !comparison.notes.empty()));  // nothing is passed over
        if (++tried_ % 8 == 0) try_bus(text, false);
    }

  private:
    struct Read {
        std::size_t records = 0;
        std::size_t damaged = 0;
        std::size_t torn = 0;
    };

    [[nodiscard]] EventBus open_bus() {
        JournalOptions journal;
        journal.path = journal_.native();
        journal.on_warning = [this](std::string_view text) { warnings_.emplace_back(text); };
        BusOptions options;
        options.middleware.push_back(std::make_shared<JournalMiddleware>(journal));
        return EventBus(store_, std::move(options));
    }
    void write(const std::string& text) { std::ofstream(journal_, std::ios::binary | std::ios::trunc) << text; }
    [[nodiscard]] Read read() {
        Read read;
        JournalReader reader = JournalReader::open(journal_);
        for (;;) {
            try {
                if (reader.next() == nullptr) break;
                ++read.records;
            } catch (const Error& error) {
                CHECK(error.code() == ErrorCode::invalid_line);
                ++read.damaged;
            }
        }
        read.torn = reader.torn_tail().empty() ? 0 : 1;
        return read;
    }
    [[nodiscard]] JournalComparison compare() { return compare_journal(store_.reader(), journal_); }

    // A bus that opens on it: a loud error that changes nothing, or the journal is the log again.
    void try_bus(const std::string& text, bool must_refuse) {
        campaign_.count("opened by a bus");
        warnings_.clear();
        try {
            EventBus bus = open_bus();
            bus.close();
        } catch (const Error& error) {
            campaign_.count("refused");
            INFO(error.what());
            CHECK((error.code() == ErrorCode::corrupt || error.code() == ErrorCode::invalid_line));
            CHECK(must_refuse);
            CHECK(bytes_of(journal_) == text);
            return;
        }
        CHECK_FALSE(must_refuse);
        CHECK(bytes_of(journal_) == whole_);
        if (!text.empty() && text.back() != '\n') CHECK(warnings_.size() == 1);
    }

    const testkit::TempDirectory directory_{};
    const std::filesystem::path journal_ = directory_ / "app.jsonl";
    EventStore store_ = EventStore::open(directory_ / "log.db", options_for(Access::create));
    std::vector<std::string> warnings_;
    std::string whole_;
    std::size_t last_line_ = 0;
    Campaign campaign_;
    std::uint64_t tried_ = 0;
};

}  // namespace

TEST_CASE("damaged journal: a flipped bit in any byte is found by reading, by comparing and by the bus", "[damage]") {
    JournalCampaign damage("flipped bits");
    std::uint64_t images = 0;
    for (std::size_t at = 0; at < damage.whole().size(); ++at, ++images)
        damage.flip(at, static_cast<unsigned>(damage.campaign().random_below(8)));
    damage.flip(damage.whole().size() - 1, 0);
    damage.campaign().finish(images + 1);
    CHECK(images > 5'000);
    CHECK(damage.campaign().counted("refused") >= images / 8 - 1);
}

TEST_CASE("damaged journal: one that was cut anywhere is read up to the cut, and is the log again once a bus is open",
          "[damage]") {
    JournalCampaign damage("cuts");
    const std::size_t step = std::max<std::size_t>(1, 6 / effort());
    std::uint64_t images = 0;
    for (std::size_t length = 0; length <= damage.whole().size(); length += step, ++images) damage.cut(length);
    // Behind each whole line, where nothing is torn.
    for (std::size_t end = damage.whole().find('\n'); end + 1 < damage.whole().size();
         end = damage.whole().find('\n', end + 1), ++images)
        damage.cut(end + 1);
    damage.campaign().finish(images);
    CHECK(images > 500);
    CHECK(damage.campaign().counted("refused") == 0);
}

}  // namespace daybook
