#include "store/verifier_results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/event/json_text.hpp>

#include "store/chain.hpp"

namespace daybook {
namespace {

constexpr Limits widest_limits{.payload_bytes_max = std::size_t{64} << 20, .nesting_max = 1'000};

class ResultsVerifier {
  public:
    explicit ResultsVerifier(Verification& verification)
        : verification_(verification),
          rows_(verification.connection(),
                "SELECT r.result_seq, r.event_seq, r.event_id, r.bus, r.handler, r.attempt, r.status, r.owner, "
                "r.recoverable, r.imported, r.result, r.error_type, r.error_message, r.started_at, r.finished_at, "
                "r.emitted, r.note, r.events_head, r.recorded_at, r.digest, e.event_id "
                "FROM event_results_log AS r LEFT JOIN events_log AS e ON e.seq = r.event_seq ORDER BY r.result_seq"),
          last_event_(static_cast<std::uint64_t>(
              verification.connection().query_integer("SELECT max(seq) FROM events_log").value_or(0))) {}

    void run() {
        while (rows_.step()) {
            check_row();
            ++verification_.report().results;
            verification_.row_read();
        }
    }

  private:
    void check_row() {
        const std::uint64_t result_seq = rows_.unsigned_integer(0);
        const bool gap = result_seq != result_seq_ + 1;
        if (gap)
            problem("result_seq_gap", fmt::format("result {} follows result {}: {} rows are missing", result_seq,
                                                  result_seq_, result_seq - result_seq_ - 1));
        check_chain(gap);
        check_event();
        check_events_head();
        check_content();
        verification_.report().head.result_seq = {result_seq};
        result_seq_ = result_seq;
    }

    void problem(std::string_view code, std::string&& message) {
        verification_.problem(code, rows_.unsigned_integer(0), std::move(message));
    }

    void check_chain(bool gap) {
        const std::string_view bytes = rows_.blob(19);
        Digest& digest = verification_.report().head.result_digest;
        Digest stored;
        const bool readable = bytes.size() == stored.bytes.size();
        if (readable) std::memcpy(stored.bytes.data(), bytes.data(), bytes.size());
        const bool attempt_fits = rows_.integer(5) <= std::numeric_limits<std::uint32_t>::max();  // 32 bits are hashed
        if (!readable || !attempt_fits || (!gap && computed_digest(digest) != stored))
            problem(
                "result_digest_mismatch",
                fmt::format("result {} (handler '{}', event {}): its digest is not the one that the digest of result "
                            "{} and its own columns give: a column or its place was changed after the commit",
                            rows_.integer(0), rows_.text(4), rows_.integer(1), rows_.integer(0) - 1));
        if (readable) digest = stored;
    }

    [[nodiscard]] Digest computed_digest(const Digest& previous) {
        const auto time = [this](int column) -> std::optional<Timestamp> {
            if (rows_.is_null(column)) return std::nullopt;
            return Timestamp{rows_.integer(column)};
        };
        return hasher_.result(previous, verification_.store_id(),
                              {.result_seq = {rows_.unsigned_integer(0)},
                               .event_seq = {rows_.unsigned_integer(1)},
                               .event_id = rows_.text(2),
                               .bus = rows_.text(3),
                               .handler = rows_.text(4),
                               .attempt = static_cast<std::uint32_t>(rows_.integer(5)),
                               .status = rows_.text(6),
                               .owner = rows_.text(7),
                               .recoverable = rows_.integer(8) != 0,
                               .imported = rows_.integer(9) != 0,
                               .result = rows_.optional_text(10),
                               .error_type = rows_.optional_text(11),
                               .error_message = rows_.optional_text(12),
                               .started_at = time(13),
                               .finished_at = time(14),
                               .emitted = rows_.text(15),
                               .note = rows_.optional_text(16),
                               .events_head = {rows_.unsigned_integer(17)},
                               .recorded_at = {rows_.integer(18)}});
    }

    void check_event() {
        if (rows_.is_null(20))
            problem("result_without_event", fmt::format("result {} names event {}, which is not in the log",
                                                        rows_.integer(0), rows_.integer(1)));
        else if (rows_.text(20) != rows_.text(2))
            problem("result_without_event",
                    fmt::format("result {} names event {} as '{}', the log has '{}' there", rows_.integer(0),
                                rows_.integer(1), rows_.text(2), rows_.text(20)));
    }

    // The head at a row's commit can only grow, includes the row's event, and is not past the log.
    void check_events_head() {
        const std::uint64_t events_head = rows_.unsigned_integer(17);
        if (events_head < events_head_)
            problem("result_events_head",
                    fmt::format("result {} was committed at event {}, the result before it at event {}",
                                rows_.integer(0), events_head, events_head_));
        else if (events_head < rows_.unsigned_integer(1))
            problem("result_events_head",
                    fmt::format("result {} of event {} was committed at event {}, before its event", rows_.integer(0),
                                rows_.integer(1), events_head));
        else if (events_head > last_event_)
            problem("result_events_head", fmt::format("result {} was committed at event {}, the log ends at event {}",
                                                      rows_.integer(0), events_head, last_event_));
        events_head_ = events_head;
    }

    void check_content() {
        try {
            if (!result_status_from(rows_.text(6)))
                throw Error(ErrorCode::invalid_argument, fmt::format("status '{}' is not one", rows_.text(6)));
            if (const auto result = rows_.optional_text(10); result && *result != "null")
                static_cast<void>(minify_json(*result, widest_limits, "result"));
            const std::string_view emitted = rows_.text(15);
            if (emitted == "[]") return;
            if (emitted.empty() || emitted.front() != '[')
                throw Error(ErrorCode::invalid_json, "emitted: not an array");
            static_cast<void>(minify_json(emitted, widest_limits, "emitted"));
        } catch (const Error& error) {
            problem("result_content_invalid", fmt::format("result {}: {}", rows_.integer(0), error.what()));
        }
    }

    Verification& verification_;
    Statement rows_;
    ChainHasher hasher_;
    const std::uint64_t last_event_;
    std::uint64_t result_seq_ = 0;
    std::uint64_t events_head_ = 0;
};

// One attempt of one handler at one event: where its rows are, 0 when there is none.
struct Attempt {
    std::uint64_t number = 0;
    std::uint64_t pending = 0;
    std::uint64_t started = 0;
    std::uint64_t terminal = 0;
    std::uint64_t second_terminal = 0;
    std::uint64_t late = 0;

    void add(ResultStatus status, std::uint64_t result_seq) {
        if (status == ResultStatus::pending) {
            pending = result_seq;
        } else if (status == ResultStatus::started) {
            started = result_seq;
        } else if (status == ResultStatus::late) {
            late = result_seq;
        } else if (terminal == 0) {
            terminal = result_seq;
        } else {
            second_terminal = std::max(terminal, result_seq);
            terminal = std::min(terminal, result_seq);
        }
    }
    [[nodiscard]] std::uint64_t any() const {
        for (const std::uint64_t row : {pending, started, terminal, late})
            if (row != 0) return row;
        return 0;
    }
};

class AttemptsVerifier {
  public:
    explicit AttemptsVerifier(Verification& verification)
        : verification_(verification),
          rows_(verification.connection(),
                "SELECT event_seq, bus, handler, attempt, status, result_seq FROM event_results_log "
                "ORDER BY event_seq, bus, handler, attempt, status"),
          row_(verification.connection(),
               "SELECT imported, owner, recoverable, recorded_at FROM event_results_log WHERE result_seq = ?1"),
          unfinished_(verification.connection(),
                      "SELECT event_seq, bus, handler, attempt, owner, recoverable, started, since "
                      "FROM unfinished_handlers ORDER BY event_seq, bus, handler") {}

    void run() {
        unfinished_there_ = unfinished_.step();
        while (rows_.step()) {
            if (!is_same_handler()) {
                end_handler();
                key_ = {rows_.unsigned_integer(0), std::string(rows_.text(1)), std::string(rows_.text(2))};
                in_handler_ = true;
                attempt_ = {};
            }
            if (rows_.unsigned_integer(3) != attempt_.number) {
                end_attempt(rows_.unsigned_integer(3));
                attempt_ = {};
                attempt_.number = rows_.unsigned_integer(3);
            }
            if (const auto status = result_status_from(rows_.text(4))) attempt_.add(*status, rows_.unsigned_integer(5));
            verification_.row_read();
        }
        end_handler();
        for (; unfinished_there_; unfinished_there_ = unfinished_.step()) report_not_unfinished();
    }

  private:
    struct Key {
        std::uint64_t event_seq = 0;
        std::string bus;
        std::string handler;
        auto operator<=>(const Key&) const = default;
    };

    [[nodiscard]] bool is_same_handler() const {
        return in_handler_ && rows_.unsigned_integer(0) == key_.event_seq && rows_.text(1) == key_.bus &&
               rows_.text(2) == key_.handler;
    }
    [[nodiscard]] bool unfinished_is_before_key() const {
        return std::tuple(unfinished_.unsigned_integer(0), unfinished_.text(1), unfinished_.text(2)) <
               std::tuple(key_.event_seq, std::string_view(key_.bus), std::string_view(key_.handler));
    }
    [[nodiscard]] bool unfinished_is_key() const {
        return unfinished_there_ && unfinished_.unsigned_integer(0) == key_.event_seq &&
               unfinished_.text(1) == key_.bus && unfinished_.text(2) == key_.handler;
    }

    // An imported history may begin in the middle of an attempt: a journal from the head, an export of a window.
    bool is_imported(std::uint64_t result_seq) {
        row_.bind(1, result_seq);
        const ResetGuard guard(row_);
        return row_.step() && row_.integer(0) != 0;
    }

    void order_problem(std::uint64_t result_seq, std::string_view what) {
        if (result_seq == 0 || is_imported(result_seq)) return;
        verification_.problem("result_order", result_seq,
                              fmt::format("result {} (event {}, bus '{}', handler '{}', attempt {}): {}", result_seq,
                                          key_.event_seq, key_.bus, key_.handler, attempt_.number, what));
    }

    void end_attempt(std::uint64_t next_number) {
        const std::uint64_t gap_before = next_number == 0 ? 0 : next_number - attempt_.number;
        if (attempt_.number != 0) check_attempt();
        if (gap_before > 1)
            order_problem(rows_.unsigned_integer(5),
                          fmt::format("attempt {} follows attempt {}", next_number, attempt_.number));
    }

    void check_attempt() {
        const Attempt& rows = attempt_;
        if (rows.pending == 0) order_problem(rows.any(), "the attempt has no pending row");
        if (rows.pending != 0 && rows.started != 0 && rows.started < rows.pending)
            order_problem(rows.started, fmt::format("started comes before pending (result {})", rows.pending));
        if (rows.pending != 0 && rows.terminal != 0 && rows.terminal < rows.pending)
            order_problem(rows.terminal, fmt::format("the outcome comes before pending (result {})", rows.pending));
        if (rows.started != 0 && rows.terminal != 0 && rows.terminal < rows.started)
            order_problem(rows.started, fmt::format("started comes after the outcome (result {})", rows.terminal));
        if (rows.second_terminal != 0)
            order_problem(rows.second_terminal, fmt::format("a second outcome, the first is result {}", rows.terminal));
        if (rows.late != 0 && (rows.terminal == 0 || rows.late < rows.terminal))
            order_problem(rows.late, "late without an outcome before it");
    }

    void end_handler() {
        if (!in_handler_) return;
        end_attempt(0);
        for (; unfinished_there_ && unfinished_is_before_key(); unfinished_there_ = unfinished_.step())
            report_not_unfinished();
        const bool open = attempt_.terminal == 0 && attempt_.pending != 0 && !is_imported(attempt_.pending);
        if (open) {
            compare_unfinished();
        } else if (unfinished_is_key()) {
            report_not_unfinished();
        }
        if (unfinished_is_key()) unfinished_there_ = unfinished_.step();
    }

    void compare_unfinished() {
        constexpr std::string_view code = "derived_unfinished_handlers";
        if (!unfinished_is_key()) {
            verification_.problem(code, key_.event_seq,
                                  fmt::format("unfinished_handlers lacks handler '{}' of bus '{}' for event {}, whose "
                                              "attempt {} has no outcome",
                                              key_.handler, key_.bus, key_.event_seq, attempt_.number));
            return;
        }
        row_.bind(1, attempt_.pending);
        const ResetGuard guard(row_);
        const bool same = row_.step() && unfinished_.unsigned_integer(3) == attempt_.number &&
                          unfinished_.text(4) == row_.text(1) && unfinished_.integer(5) == row_.integer(2) &&
                          (unfinished_.integer(6) != 0) == (attempt_.started != 0) &&
                          unfinished_.integer(7) == row_.integer(3);
        if (!same)
            verification_.problem(
                code, key_.event_seq,
                fmt::format(
                    "unfinished_handlers and the pending row (result {}) differ about handler '{}' of bus '{}' for "
                    "event {}: attempt, owner, recoverable, started or since",
                    attempt_.pending, key_.handler, key_.bus, key_.event_seq));
    }

    void report_not_unfinished() {
        verification_.problem(
            "derived_unfinished_handlers", unfinished_.unsigned_integer(0),
            fmt::format("unfinished_handlers has handler '{}' of bus '{}' for event {}, which the results "
                        "do not leave unfinished",
                        unfinished_.text(2), unfinished_.text(1), unfinished_.integer(0)));
    }

    Verification& verification_;
    Statement rows_;
    Statement row_;
    Statement unfinished_;
    bool unfinished_there_ = false;
    bool in_handler_ = false;
    Key key_;
    Attempt attempt_;
};

}  // namespace

void verify_results(Verification& verification) {
    ResultsVerifier(verification).run();
}

void verify_attempts(Verification& verification) {
    AttemptsVerifier(verification).run();
}

}  // namespace daybook
