// Events in the format that was asked for: JSON Lines, a JSON array, CSV or a table. Streams.
#pragma once

#include <memory>

#include <daybook/event/event.hpp>

#include "cli/format.hpp"
#include "cli/output.hpp"
#include "cli/row_writer.hpp"
#include "cli/table.hpp"

namespace daybook::cli {

/// Thread-safety: one thread at a time.
class EventWriter {
  public:
    EventWriter(Output& output, Format format);
    EventWriter(const EventWriter&) = delete;
    EventWriter& operator=(const EventWriter&) = delete;

    void event(const EventView& event);
    /// Shows what is written so far, for followers.
    void flush();
    void finish();
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

  private:
    Output& output_;
    Format format_;
    std::unique_ptr<Table> table_;
    std::unique_ptr<RowWriter> rows_;
    std::string line_;
    std::uint64_t events_ = 0;
};

}  // namespace daybook::cli
