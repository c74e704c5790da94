// Recomputes the versions of streams and the tables of name_runs.hpp from events as they pass by, and compares them with
// what the file holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/name_runs.hpp"
#include "store/text_map.hpp"
#include "store/verification.hpp"

namespace daybook {

/// Codes: stream_version_gap, derived_stream_runs, derived_stream_heads, derived_type_runs, derived_type_heads.
/// Keeps every stream and type in memory. Thread-safety: one thread at a time.
class NameRunsCheck {
  public:
    /// No layout: only the versions are compared.
    NameRunsCheck(Verification& verification, const std::optional<RunLayout>& layout);
    /// Events come in the order of seq.
    void add(std::uint64_t seq, std::string_view stream, std::uint64_t version, std::string_view type);
    /// After the last event.
    void finish();

  private:
    struct Entry {
        std::uint64_t events = 0;
        std::uint64_t events_before_run = 0;
        std::optional<std::uint64_t> previous_run = {};
        std::string seqs = {};  // of the present run
        // What the head must say.
        std::uint64_t head_events = 0;
        std::uint64_t head_seq = 0;
    };
    using Entries = TextMap<Entry>;
    using Named = Entries::value_type;
    struct Names {
        Entries known;
        std::vector<Named*> in_run;
    };
    enum class Rows : std::uint8_t { all, some, none };  // that the tables must have, or may, of a run

    // Runs a part that reads tables. Damage there ends the comparison, not the verification of the log.
    template <typename Part>
    void compare(Part part);
    void compare_rest();
    Entry& put(NameKind kind, std::string_view name, std::uint64_t seq);
    void begin_run(std::uint64_t run);
    void end_run();
    void compare_run(NameKind kind, Rows rows);
    void compare_row(NameKind kind, const Statement& row, const Named& named);
    void require_no_rows(NameKind kind, std::uint64_t first_run, std::uint64_t last_run);
    void compare_heads(NameKind kind);
    void problem(std::string_view table, std::optional<std::uint64_t> seq, std::string_view message);

    Verification& verification_;
    bool tables_can_be_read_;
    const RunLayout layout_;
    Names names_[name_kinds.size()];
    std::optional<std::uint64_t> run_;
    std::uint64_t last_seq_ = 0;
};

}  // namespace daybook
