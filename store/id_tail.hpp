// Where the events behind the last complete run are, by id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/log_tail.hpp"

namespace daybook {

/// Keeps of an id only its hash: some 40 bytes an event, for at most a few runs' worth. Thread-safety: safe from any thread.
class IdTail final : private LogTail {
  public:
    IdTail() noexcept : LogTail("SELECT seq, event_id FROM events_log WHERE seq > ?1 ORDER BY seq") {}

    /// The seqs of all events behind the runs that may have this id, and perhaps of others. All is of one read transaction of
    /// `lease`. Throws Error.
    [[nodiscard]] std::vector<std::uint64_t> candidates(ReaderPool::Lease& lease, const RunLayout& layout,
                                                        std::string_view id);

  private:
    void add(std::uint64_t seq, const Statement& event) override;
    void clear() noexcept override { seqs_.clear(); }

    std::unordered_multimap<std::size_t, std::uint64_t> seqs_;  // by the hash of the id
};

}  // namespace daybook
