// What an EventReader holds: the pool it reads through and the head it is pinned to.
#pragma once

#include <cstddef>
#include <memory>

#include <daybook/event/position.hpp>
#include <daybook/store/event_reader.hpp>

#include "store/reader_pool.hpp"

namespace daybook {

/// Thread-safety: immutable; the pool is safe from any thread.
struct EventReader::Impl {
    Impl(std::shared_ptr<ReaderPool> readers, const Head& pinned, std::size_t rows_per_page)
        : pool(std::move(readers)), head(pinned), page_events(rows_per_page) {}

    const std::shared_ptr<ReaderPool> pool;
    const Head head;
    const std::size_t page_events;  ///< StoreOptions::page_events
};

}  // namespace daybook
