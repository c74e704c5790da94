// The streams and types of the events behind the last complete run, which no table knows: read once and kept by a store's
// readers together, and read on as the log grows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/name_runs.hpp"
#include "store/occurred_blocks.hpp"
#include "store/reader_pool.hpp"

namespace daybook {

/// Holds at most a few runs' worth of seqs. Thread-safety: safe from any thread.
class NameTail {
  public:
    /// Adds the seqs of `name` in `within` to `seqs`, ascending. `within` begins behind layout.indexed_to(), and all is of one
    /// read transaction of `lease`. Throws Error.
    void collect(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view name,
                 NumberRange within, std::vector<std::uint64_t>& seqs);
    /// Calls `visit` for each name from `first` on, in the order of names, as long as it returns true.
    void visit_names(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view first,
                     const std::function<bool(std::string_view)>& visit);

  private:
    using Places = std::map<std::string, std::vector<std::uint64_t>, std::less<>>;

    void read_on(ReaderPool::Lease& lease, const RunLayout& layout);
    void add(NameKind kind, std::string_view name, std::uint64_t seq);
    void start_over(std::uint64_t after);

    std::mutex mutex_;
    std::uint64_t after_ = 0;  // guarded by mutex_, as all below: holds the seqs after this one …
    std::uint64_t last_ = 0;   // … up to this one
    Places places_[name_kinds.size()];
};

}  // namespace daybook
