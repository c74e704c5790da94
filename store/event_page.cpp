#include "store/event_page.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace daybook {

namespace {

constexpr std::size_t first_chunk_bytes = std::size_t{16}
                                          << 10;  // small: most cursors of a live subscription read little
constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
constexpr std::size_t kept_chunks_max = 32;  // 8 MiB: twice a page's text

std::size_t size_of(const std::optional<std::string_view>& text) {
    return text ? text->size() : 0;
}

}  // namespace

char* EventPage::room_for(std::size_t bytes) {
    while (chunk_ < chunks_.size() && chunks_[chunk_].size - chunk_used_ < bytes) {
        ++chunk_;
        chunk_used_ = 0;
    }
    if (chunk_ == chunks_.size()) {
        const std::size_t size = std::max(bytes, chunks_.empty() ? first_chunk_bytes : chunk_bytes);
        chunks_.push_back({std::unique_ptr<char[]>(new char[size]), size});  // not zeroed: it is about to be written
        chunk_used_ = 0;
    }
    char* room = chunks_[chunk_].bytes.get() + chunk_used_;
    chunk_used_ += bytes;
    return room;
}

void EventPage::add(const EventView& event) {
    const std::size_t bytes = event.id.size() + event.type.size() + event.event_version.size() + event.stream.size() +
                              event.source.size() + size_of(event.correlation_id) + size_of(event.causation_id) +
                              event.tags.size() + event.payload.size() + event.metadata.size();
    char* room = room_for(bytes);
    const auto keep = [&room](std::string_view& text) {
        std::memcpy(room, text.data(), text.size());
        text = {room, text.size()};
        room += text.size();
    };
    EventView& kept = events_.emplace_back(event);
    keep(kept.id);
    keep(kept.type);
    keep(kept.event_version);
    keep(kept.stream);
    keep(kept.source);
    if (kept.correlation_id) keep(*kept.correlation_id);
    if (kept.causation_id) keep(*kept.causation_id);
    keep(kept.tags);
    keep(kept.payload);
    keep(kept.metadata);
    text_bytes_ += bytes;
}

void EventPage::clear() noexcept {
    events_.clear();
    std::size_t kept = 0;
    std::erase_if(chunks_, [&kept](const Chunk& chunk) {
        if (chunk.size > chunk_bytes || kept == kept_chunks_max) return true;  // a rare, large event's
        ++kept;
        return false;
    });
    chunk_ = 0;
    chunk_used_ = 0;
    text_bytes_ = 0;
}

}  // namespace daybook
