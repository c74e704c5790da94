// A journal beside its log, record for record. The digests say whether the histories are one; the fields say whether the
// journal's lines still are what the log holds.
#include <fmt/format.h>

#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>
#include <daybook/interchange/journal_reader.hpp>

#include "interchange/import_batch.hpp"

namespace daybook {
namespace {

class Comparing {
  public:
    Comparing(const EventReader& log, CompareOptions options) : log_(log), options_(std::move(options)) {}

    JournalComparison run(const std::filesystem::path& path) {
        JournalReader journal = JournalReader::open(path, options_.limits);
        std::uint64_t records = 0;
        bool unsettled = true;  // the place in the log is to be looked up: at the start, after damage or a gap
        for (;;) {
            const JournalRecord* record = nullptr;
            try {
                record = journal.next();
            } catch (const Error& error) {
                if (error.code() != ErrorCode::invalid_line && error.code() != ErrorCode::too_large) throw;
                problem("journal_damaged", std::nullopt, interchange::bare_message(error));
                if (++damaged_in_a_row_ > damaged_in_a_row_max) break;
                continue;
            }
            if (record == nullptr) break;
            damaged_in_a_row_ = 0;
            where_ = journal.where();
            if (unsettled && records == 0 && !std::holds_alternative<JournalHeader>(*record))
                problem("journal_no_header", std::nullopt,
                        "the journal's first line is no header: to which log it belongs cannot be told");
            unsettled = false;
            if (!take(*record)) break;
            if (++records % 1000 == 0 && options_.progress) options_.progress(records);
        }
        finish(journal);
        return std::move(report_);
    }

  private:
    static constexpr std::uint64_t damaged_in_a_row_max = 1'000;

    bool take(const JournalRecord& record) {
        if (const auto* header = std::get_if<JournalHeader>(&record)) return take(*header);
        if (const auto* event = std::get_if<Event>(&record)) {
            take(*event);
        } else {
            take(std::get<EventResult>(record));
        }
        return true;
    }

    // False when nothing more can be compared.
    bool take(const JournalHeader& header) {
        if (header.store_id != log_.head().store_id) {
            problem("journal_other_store", std::nullopt,
                    fmt::format("the journal is of the store {}, the log is {}", header.store_id.to_string(),
                                log_.head().store_id.to_string()));
            return false;
        }
        if (seen_header_) {
            if (early_ && header.after_seq.value + 1 != next_seq_) early_.reset();
            gap("event", header.after_seq.value + 1, next_seq_);
            gap("result", header.after_result_seq.value + 1, next_result_seq_);
        }
        seen_header_ = true;
        next_seq_ = header.after_seq.value + 1;
        next_result_seq_ = header.after_result_seq.value + 1;
        if (header.after_seq <= log_.head().seq && log_.position_at(header.after_seq).digest != header.after_digest)
            problem("journal_digest", header.after_seq.value,
                    fmt::format("the journal continues after seq {} with another digest than the log has there",
                                header.after_seq.value));
        if (header.after_result_seq.value != 0 && header.after_result_seq <= log_.head().result_seq) {
            ResultCursor row = log_.results({.from = header.after_result_seq, .to = header.after_result_seq});
            const EventResult* result = row.next();
            if (result == nullptr || result->digest != header.after_result_digest)
                problem("journal_digest", std::nullopt,
                        fmt::format("the journal continues after result {} with another digest than the log has there",
                                    header.after_result_seq.value));
        }
        return true;
    }

    void gap(std::string_view what, std::uint64_t found, std::uint64_t wanted) {
        if (found == wanted || wanted == 0) return;
        const auto seq = what == "event" ? std::optional<std::uint64_t>(wanted) : std::nullopt;
        problem("journal_gap", seq,
                found > wanted ? fmt::format("{}s {} to {} are missing in the journal", what, wanted, found - 1)
                               : fmt::format("{} {} comes again in the journal, {} was expected", what, found, wanted));
    }

    void take(const Event& event) {
        ++report_.events;
        settle_early(event.seq.value);
        gap("event", event.seq.value, next_seq_);
        next_seq_ = event.seq.value + 1;
        if (event.seq > log_.head().seq) {
            if (!first_ahead_) first_ahead_ = event.seq.value;
            last_ahead_ = event.seq.value;
            return;
        }
        if (!events_ || event.seq.value != event_at_ + 1) events_.emplace(log_.read({.from_seq = event.seq}));
        const EventView* own = events_->next();
        event_at_ = event.seq.value;
        if (own == nullptr || own->seq != event.seq) {
            events_.reset();
            problem("journal_differs", event.seq.value,
                    fmt::format("event {} is in the journal, and cannot be read from the log", event.seq.value));
            return;
        }
        if (own->digest != event.digest) {
            problem("journal_digest", event.seq.value,
                    fmt::format("event {} has the digest {} in the journal and {} in the log", event.seq.value,
                                event.digest.to_hex(), own->digest.to_hex()));
        } else if (own->to_event() != event) {
            problem("journal_differs", event.seq.value,
                    fmt::format("event {} is not the same in the journal and in the log", event.seq.value));
        }
    }

    void take(const EventResult& result) {
        ++report_.results;
        gap("result", result.result_seq.value, next_result_seq_);
        next_result_seq_ = result.result_seq.value + 1;
        if (result.result_seq > log_.head().result_seq) {
            ++results_ahead_;
            return;
        }
        if (!results_ || result.result_seq.value != result_at_ + 1)
            results_.emplace(log_.results({.from = result.result_seq}));
        const EventResult* own = results_->next();
        result_at_ = result.result_seq.value;
        if (own == nullptr || own->result_seq != result.result_seq) {
            results_.reset();
            problem(
                "journal_differs", result.event_seq.value,
                fmt::format("result {} is in the journal, and cannot be read from the log", result.result_seq.value));
            return;
        }
        if (own->digest != result.digest) {
            problem("journal_digest", result.event_seq.value,
                    fmt::format("result {} has the digest {} in the journal and {} in the log", result.result_seq.value,
                                result.digest.to_hex(), own->digest.to_hex()));
        } else if (*own != result) {
            problem("journal_differs", result.event_seq.value,
                    fmt::format("result {} is not the same in the journal and in the log", result.result_seq.value));
        } else {
            check_order(result);
        }
    }

    // A result stands behind the last event that its commit saw, and before the next one.
    void check_order(const EventResult& result) {
        if (next_seq_ == 0 || result.events_head.value + 1 == next_seq_) return;
        const std::string message =
            fmt::format("{}: result {} was committed when event {} was the last one, and stands before event {}",
                        where_, result.result_seq.value, result.events_head.value, next_seq_);
        if (result.events_head.value < next_seq_) {
            problem("journal_order", result.event_seq.value, message);
        } else if (!early_) {
            early_ = VerifyProblem{"journal_order", result.event_seq.value, message};
        }
    }

    // A result that stands before its event is out of order if that event follows; otherwise the event is missing, and
    // the gap is what is reported.
    void settle_early(std::uint64_t found) {
        if (early_ && found == next_seq_) problem(early_->code, early_->seq, early_->message);
        early_.reset();
    }

    void finish(const JournalReader& journal) {
        settle_early(next_seq_);
        if (first_ahead_)
            problem("journal_ahead", first_ahead_,
                    fmt::format("the journal holds the events {} to {}, and the log ends at {}: the log lost them",
                                *first_ahead_, last_ahead_, log_.head().seq.value));
        if (results_ahead_ != 0)
            problem("journal_ahead", std::nullopt,
                    fmt::format("the journal holds {} results more than the log, which ends at result {}",
                                results_ahead_, log_.head().result_seq.value));
        if (!journal.torn_tail().empty()) report_.notes.push_back(journal.torn_tail());
        if (next_seq_ != 0 && next_seq_ <= log_.head().seq.value)
            report_.notes.push_back(fmt::format("the journal ends at seq {}, {} events before the log does",
                                                next_seq_ - 1, log_.head().seq.value + 1 - next_seq_));
        else if (next_result_seq_ != 0 && next_result_seq_ <= log_.head().result_seq.value)
            report_.notes.push_back(fmt::format("the journal ends at result {}, {} results before the log does",
                                                next_result_seq_ - 1,
                                                log_.head().result_seq.value + 1 - next_result_seq_));
        if (!seen_header_ && report_.events + report_.results + report_.problems_total == 0)
            report_.notes.emplace_back("the journal holds no record: nothing was compared");
    }

    void problem(std::string_view code, std::optional<std::uint64_t> seq, std::string message) {
        ++report_.problems_total;
        if (report_.problems.size() >= options_.problems_max) return;
        if (!where_.empty() && code != "journal_damaged" && code != "journal_ahead" && code != "journal_order")
            message = fmt::format("{}: {}", where_, message);
        report_.problems.push_back({std::string(code), seq, std::move(message)});
    }

    const EventReader& log_;
    CompareOptions options_;
    JournalComparison report_{};
    std::optional<EventCursor> events_{};
    std::optional<ResultCursor> results_{};
    std::uint64_t event_at_ = 0;
    std::uint64_t result_at_ = 0;
    std::uint64_t next_seq_ = 0;  // 0: not known
    std::uint64_t next_result_seq_ = 0;
    std::uint64_t damaged_in_a_row_ = 0;
    std::uint64_t results_ahead_ = 0;
    std::optional<std::uint64_t> first_ahead_{};
    std::uint64_t last_ahead_ = 0;
    bool seen_header_ = false;
    std::optional<VerifyProblem> early_{};  // a result whose event has not come yet
    std::string where_{};
};

}  // namespace

JournalComparison compare_journal(const EventReader& log, const std::filesystem::path& path, CompareOptions options) {
    return Comparing(log, std::move(options)).run(path);
}

}  // namespace daybook
