// A log made without the store, by SQL and the chain's functions alone, and then edited behind the store's back: what
// verify must find.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/store/verify.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "store/connection.hpp"

namespace daybook::test {

struct ForgedEvent {
    std::string type = "thing:happened";
    std::string stream = "main";
    std::string payload = R"({"a":1})";
    std::int64_t occurred_at = 1'000;
};

struct ForgedResult {
    std::uint64_t event_seq = 1;
    std::string handler = "h";
    std::uint32_t attempt = 1;
    std::string status = "pending";
    bool imported = false;
};

class ForgedLog {
  public:
    /// An empty log.
    ForgedLog();
    /// `events` events over two streams, and for each a finished handler.
    explicit ForgedLog(std::uint64_t events);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    void append(const ForgedEvent& event = {});
    void append_result(const ForgedResult& result);
    /// Runs SQL that the triggers would refuse: they are dropped for it and made again.
    void edit(const std::string& sql);
    /// Runs SQL with the triggers on.
    void sql(const std::string& sql);
    /// Computes payload hashes and digests anew from what the rows hold, as a forger would.
    void rechain();
    void rechain_results();
    /// Writes the complete runs of streams and types, each of so many events.
    void index(int run_events);
    [[nodiscard]] Head head();
    [[nodiscard]] VerifyReport verify(VerifyOptions options = {}) const;
    /// The codes of what verify finds, sorted, each once.
    [[nodiscard]] std::vector<std::string> codes(VerifyOptions options = {}) const;
    /// Moves everything into the database file and closes it, so that its bytes can be damaged.
    void close();

  private:
    testkit::TempDirectory directory_;
    std::filesystem::path path_;
    std::unique_ptr<Connection> connection_;
};

/// Events with the ids id-1 to id-14, in streams `odd` and `even` in turn; runs 0 to 2 of four each, and two events behind them.
struct IndexedLog : ForgedLog {
    IndexedLog() : ForgedLog(14) { index(4); }
};

}  // namespace daybook::test
