// A page of events copied out of SQLite, so that no read transaction stays open while the caller looks at them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <daybook/event/event.hpp>

namespace daybook {

/// Its memory is kept from page to page. Thread-safety: one thread at a time.
class EventPage {
  public:
    /// Copies what `event` points to. Earlier events of the page keep their place.
    void add(const EventView& event);
    /// Forgets the events, keeps most of the memory.
    void clear() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
    /// Lives until clear().
    [[nodiscard]] const EventView& operator[](std::size_t index) const noexcept { return events_[index]; }
    /// Bytes of text in the page.
    [[nodiscard]] std::size_t text_bytes() const noexcept { return text_bytes_; }

  private:
    struct Chunk {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0;
    };
    [[nodiscard]] char* room_for(std::size_t bytes);

    std::vector<EventView> events_;
    std::vector<Chunk> chunks_;   // text, in chunks that never move
    std::size_t chunk_ = 0;       // the chunk being filled
    std::size_t chunk_used_ = 0;  // bytes of it
    std::size_t text_bytes_ = 0;
};

}  // namespace daybook
