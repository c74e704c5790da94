// The writer's side of the tables that are filled by runs (name_runs.hpp, event_ids.hpp): knows every event behind the last
// complete run, and writes a run's rows when it is complete, some with each commit, so that no commit has to wait for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>

#include "store/batch_insert.hpp"
#include "store/connection.hpp"
#include "store/id_index.hpp"
#include "store/name_runs.hpp"
#include "store/run_layout.hpp"
#include "store/text_map.hpp"

namespace daybook {

/// What is in memory is a function of the committed log, and what the open transaction has added to it.
/// Thread-safety: one thread at a time, with its connection, inside the write transaction unless said otherwise.
class RunIndex {
  public:
    explicit RunIndex(Connection& connection);

    /// Reads what others have committed, up to `head`. To be called when there may be some, and when is_lost(), before
    /// anything else of the transaction. Throws Error; then it is lost.
    void catch_up(Sequence head);
    /// Memory ran out where nothing could be undone any more.
    [[nodiscard]] bool is_lost() const noexcept { return lost_; }

    /// How many events the stream has.
    [[nodiscard]] Version stream_version(std::string_view stream);
    /// The event with that id, of the open transaction too.
    [[nodiscard]] std::optional<Sequence> find_id(std::string_view id) { return ids_.find(id); }
    /// Adds the event behind the last, whose id find_id() does not find; returns its version. The row itself is the caller's
    /// to write.
    Version add(Sequence seq, std::string_view id, std::string_view stream, std::string_view type);
    /// Writes rows of the run that is complete, as many as this transaction can be asked for; all when there are two.
    void write_due();

    /// The transaction was committed, or rolled back. Outside of any.
    void committed() noexcept;
    void rolled_back() noexcept;
    /// Nothing that is in memory can be trusted any more.
    void forget() noexcept { lost_ = true; }

  private:
    struct Entry {
        std::uint64_t events = 0;                       // with what the open transaction has added
        std::uint64_t indexed_events = 0;               // up to and with indexed_run
        std::optional<std::uint64_t> indexed_run = {};  // the last complete run that has it
        std::string seqs = {};                          // of the run being gathered
    };
    using Entries = TextMap<Entry>;
    using Named = Entries::value_type;
    // Of one kind.
    struct Names {
        Entries known;  // a cache, but for what is gathered or due
        std::size_t known_max = 0;
        std::vector<Named*> gathered;
        Statement find_head, find_run;
        BatchInsert put_run, put_head;
    };
    struct Row {
        const std::string* name;
        std::uint64_t events_before;
        std::optional<std::uint64_t> previous_run;
        std::string seqs;
    };
    struct DueRun {
        std::uint64_t run = 0;
        std::vector<Row> rows{};  // by name; those of streams first
        std::size_t stream_rows = 0;
        std::vector<std::uint32_t> ids{};  // as IdIndex::complete() gave them; written after the rows
    };
    struct Added {
        Named* stream;
        Named* type;
        std::uint64_t seq;
    };

    [[nodiscard]] Names& names(NameKind kind) noexcept { return names_[static_cast<std::size_t>(kind)]; }
    Named& named(NameKind kind, std::string_view name);
    [[nodiscard]] Entry read_entry(NameKind kind, std::string_view name);
    void check_head(std::string_view stream, std::uint64_t last_seq, std::uint64_t version);
    void forget_idle(Names& names);
    void start_over();
    void read_on(const Statement& event);
    void gather(const Added& event);
    void complete_run();
    void drop_first_due() noexcept;
    [[nodiscard]] std::size_t rows_found(const DueRun& due);
    [[nodiscard]] bool is_there(const DueRun& due, std::size_t index);
    std::size_t write_some(const DueRun& due, std::size_t written, std::size_t room);
    void write_rows(NameKind kind, const DueRun& due, std::size_t first, std::size_t count);

    Statement read_layout_, read_events_, read_version_, put_complete_;
    Names names_[name_kinds.size()];
    IdIndex ids_;
    RunLayout layout_;
    std::uint64_t gathering_ = 0;    // the run that is not complete yet
    std::uint64_t gathered_to_ = 0;  // seq
    std::deque<DueRun> due_;         // complete, not in the tables, or not all of it
    std::size_t rows_written_ = 0;   // of due_.front(), rows and ids, in committed transactions
    bool lost_ = true;
    // Of the open transaction:
    std::vector<Added> added_;
    std::size_t runs_finished_ = 0;
    std::size_t rows_written_now_ = 0;  // as rows_written_, after it
};

}  // namespace daybook
