// Where the events of a stream, or of some types, are: found through the tables of name_runs.hpp and the end of the log.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/name_runs.hpp"
#include "store/occurred_blocks.hpp"
#include "store/reader_pool.hpp"

namespace daybook {

struct NamePlaces {
    NameKind kind = NameKind::stream;
    std::vector<std::string> names{};
    RunLayout layout{};
    std::vector<std::uint64_t> runs{};  ///< ascending; each has an event of one of the names
    std::vector<std::uint64_t> tail{};  ///< ascending; seqs of events that no run has
    std::uint64_t entries = 0;          ///< how many events, with those of runs that only overlap the range
};

/// Of the events in `seqs`; stops when it has found `most`, and then names only some of them. Begins and ends a read
/// transaction.
/// Throws Error: corrupt - a row that another leads to is not there, or not what it must be.
[[nodiscard]] NamePlaces find_places(ReaderPool::Lease& lease, NameKind kind, std::vector<std::string> names,
                                     NumberRange seqs, std::uint64_t most);

/// The seqs of `places` in its run, ascending. Throws Error: corrupt.
void read_run(ReaderPool::Lease& lease, const NamePlaces& places, std::uint64_t run, std::vector<std::uint64_t>& seqs);

/// The last event of the name with at most that seq; 0 when there is none. Begins and ends a read transaction.
[[nodiscard]] std::uint64_t last_place(ReaderPool::Lease& lease, NameKind kind, std::string_view name,
                                       std::uint64_t at_most);

/// The names that begin with `prefix`, ascending; when there are more than `most`, some of them, but more than `most`.
[[nodiscard]] std::vector<std::string> names_with_prefix(ReaderPool::Lease& lease, NameKind kind,
                                                         std::string_view prefix, std::size_t most);

}  // namespace daybook
