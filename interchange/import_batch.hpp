// Gathers events and results of an import and appends them batch by batch; finds the line at fault when the store says
// no. Which lines they come from is importer.cpp's business.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/interchange/importer.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook::interchange {

/// The message of `error` without the code at its end, to be put into another message.
[[nodiscard]] std::string bare_message(const Error& error);

/// Codes that say "this input is wrong" and not "the storage fails": a line with one can be skipped.
[[nodiscard]] bool is_input_fault(ErrorCode code) noexcept;

/// Thread-safety: one thread at a time.
class ImportBatch {
  public:
    /// `committed` is called after each batch that is durable. References must outlive this.
    ImportBatch(EventStore& store, const ImportOptions& options, ImportSummary& summary,
                std::function<void()> committed);

    /// The file that the following lines come from.
    void begin_source(std::string name) { source_ = std::move(name); }
    /// Takes a checked event; writes the batch first when it is full or holds this id with other content.
    void add(NewEvent event, std::uint64_t line, bool without_time, bool without_id);
    void add(NewResult result, std::uint64_t line);
    /// Writes what is gathered.
    void flush();

    /// A line that cannot be used. skip: reports it. stop: throws `error` with file, line and the last line committed.
    void bad_line(std::uint64_t line, const Error& error);
    /// `file:line`, as messages have it.
    [[nodiscard]] std::string where(std::uint64_t line) const;
    /// `line 7 was the last to be committed`
    [[nodiscard]] std::string last_committed() const;

  private:
    struct Item {
        NewEvent event;
        std::uint64_t line = 0;
        bool without_time = false;
        bool without_id = false;
    };
    struct ResultItem {
        NewResult result;
        std::uint64_t line = 0;
    };

    void append(std::span<Item> items);
    void count(std::span<Item> items, const Appended& appended);
    void refused(std::span<Item> items, const Error& error);
    void append_results(std::span<ResultItem> items);
    void results_refused(std::span<ResultItem> items, const Error& error);
    /// Index of the event that a guard says no to; 0 when none does any more.
    [[nodiscard]] std::size_t find_refused(std::span<Item> items) const;
    [[noreturn]] void stop_at(std::uint64_t line, const Error& error) const;
    void skip(std::uint64_t line, std::string_view message);
    void skip(const Item& item, std::string_view message);

    EventStore& store_;
    const ImportOptions& options_;
    ImportSummary& summary_;
    std::function<void()> committed_;
    Limits limits_;
    std::string source_;
    std::vector<Item> items_;
    std::unordered_map<std::string, std::size_t> ids_;  // of items_
    std::size_t bytes_ = 0;
    std::vector<Item> repeats_;                 // lines that repeat one of items_, content and all
    std::unordered_set<std::string> left_out_;  // ids of items_ that were skipped after all
    std::vector<ResultItem> results_;
    std::uint64_t last_line_ = 0;       // the last that was gathered
    std::uint64_t committed_line_ = 0;  // everything up to here is durable
    std::string committed_source_;
};

}  // namespace daybook::interchange
