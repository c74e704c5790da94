// The streams and types of the events behind the last complete run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/log_tail.hpp"
#include "store/name_runs.hpp"
#include "store/occurred_blocks.hpp"

namespace daybook {

/// Holds at most a few runs' worth of seqs. Thread-safety: safe from any thread.
class NameTail final : private LogTail {
  public:
    NameTail() noexcept : LogTail(named_events_sql) {}

    /// Adds the seqs of `name` in `within` to `seqs`, ascending. `within` begins behind layout.indexed_to(), and all is of one
    /// read transaction of `lease`. Throws Error.
    void collect(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view name,
                 NumberRange within, std::vector<std::uint64_t>& seqs);
    /// Calls `visit` for each name from `first` on, in the order of names, as long as it returns true.
    void visit_names(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view first,
                     const std::function<bool(std::string_view)>& visit);

  private:
    using Places = std::map<std::string, std::vector<std::uint64_t>, std::less<>>;

    void add(std::uint64_t seq, const Statement& event) override;
    void clear() noexcept override;
    void put(NameKind kind, std::string_view name, std::uint64_t seq);

    Places places_[name_kinds.size()];
};

}  // namespace daybook
