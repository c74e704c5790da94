#include "crash/allocation_faults.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "simulation/exposure.hpp"

namespace daybook::crash {

namespace {

std::atomic<bool> armed{false};
AllocationPlan planned;  // changed only while nobody is exposed
std::atomic<std::uint64_t> counted{0};
std::atomic<bool> failed{false};
std::atomic<std::int64_t> held_by_sqlite{0};

bool fails(Allocator which) noexcept {
    if (!simulation::is_exposed || !armed.load(std::memory_order_relaxed)) return false;
    if (planned.of != Allocator::both && planned.of != which) return false;
    const std::uint64_t number = ++counted;
    if (number < planned.at || number - planned.at >= planned.window) return false;
    failed = true;
    return true;
}

sqlite3_mem_methods plain;  // SQLite's own

void* counting_malloc(int bytes) {
    if (fails(Allocator::sqlite)) return nullptr;
    void* const block = plain.xMalloc(bytes);
    if (block != nullptr) ++held_by_sqlite;
    return block;
}

void counting_free(void* block) {
    if (block != nullptr) --held_by_sqlite;
    plain.xFree(block);
}

void* counting_realloc(void* block, int bytes) {
    return fails(Allocator::sqlite) ? nullptr : plain.xRealloc(block, bytes);
}

bool count_sqlite() {
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) != SQLITE_OK) return false;
    sqlite3_mem_methods counting = plain;
    counting.xMalloc = counting_malloc;
    counting.xFree = counting_free;
    counting.xRealloc = counting_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &counting) == SQLITE_OK;
}

// Before main(): SQLite takes an allocator only while it is not in use.
const bool sqlite_counted = count_sqlite();

}  // namespace

void set_allocation_faults(std::optional<AllocationPlan> plan) {
    armed = false;
    if (plan) planned = *plan;
    counted = 0;
    failed = false;
    armed = plan.has_value();
}

std::uint64_t allocations_counted() noexcept {
    return counted;
}

bool allocation_has_failed() noexcept {
    return failed;
}

std::int64_t sqlite_blocks_held() noexcept {
    return held_by_sqlite;
}

bool sqlite_is_counted() noexcept {
    return sqlite_counted;
}

}  // namespace daybook::crash

// The program's own allocator.

namespace {

void* allocate(std::size_t bytes) noexcept {
    if (daybook::crash::fails(daybook::crash::Allocator::ours)) return nullptr;
    return std::malloc(bytes == 0 ? 1 : bytes);  // NOLINT
}

}  // namespace

void* operator new(std::size_t bytes) {
    void* const block = allocate(bytes);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
void* operator new[](std::size_t bytes) {
    return operator new(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate(bytes);
}
void operator delete(void* block) noexcept {
    std::free(block);  // NOLINT
}
void operator delete[](void* block) noexcept {
    std::free(block);  // NOLINT
}
void operator delete(void* block, std::size_t) noexcept {
    std::free(block);  // NOLINT
}
void operator delete[](void* block, std::size_t) noexcept {
    std::free(block);  // NOLINT
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    std::free(block);  // NOLINT
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    std::free(block);  // NOLINT
}
