// How a bus is set up.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/middleware/failure_report.hpp>
#include <daybook/middleware/middleware.hpp>

namespace daybook {

/// How outcomes of the inline handlers of one emit reach the disk.
enum class OutcomeCommit : std::uint8_t {
    together,  ///< one commit when the last of them has run: an emit costs two commits, however many handlers
    each,      ///< one commit a handler: after a kill, fewer handlers are run a second time
};

/// What an emit does that would put more into the queue than it holds. Decided before the commit.
enum class QueueFull : std::uint8_t {
    block,     ///< waits for room. In a handler, or without workers, nobody would make room: then as run_here
    refuse,    ///< Error busy, and nothing is written
    run_here,  ///< its handlers run on the emitting thread, after the commit
};

/// What becomes of handlers that are still queued when the bus closes.
enum class CloseQueue : std::uint8_t {
    run,     ///< they are run first
    leave,   ///< their pending rows stay: unfinished work, which a later bus of this name may recover
    cancel,  ///< `cancelled` rows are written for them
};

/// How far a positioned middleware has come when a bus opens.
struct CatchUpProgress {
    std::string_view middleware;
    std::uint64_t fed = 0;    ///< records (events and results) so far
    std::uint64_t total = 0;  ///< records to feed, as counted at the start
};

/// Effect, unit, default and limits of each are said beside it. validate() reports all faults at once.
struct BusOptions {
    /// Names the bus in results; recovery goes by it. Several buses may have one name. Default: "main"; 1..255 bytes.
    std::string name = "main";
    /// Threads that run pool handlers and posted events. Default: 0, no thread; at most 256.
    std::size_t worker_threads = 0;
    /// Default: together.
    OutcomeCommit outcomes = OutcomeCommit::together;
    /// Write a `started` row, in a commit of its own, before each handler runs. Default: false: a lone `pending` row
    /// means that the handler may have run.
    bool record_started = false;
    /// Queued handler runs. Default: 10,000; 1..10,000,000.
    std::size_t queue_capacity = 10'000;
    /// Default: block.
    QueueFull queue_full = QueueFull::block;
    /// Used by close() without an argument and by the destructor. Default: run.
    CloseQueue close_queue = CloseQueue::run;
    /// Handlers inside each other: a handler emits, a handler of that event emits, and so on, queued ones
    /// included. One more is refused before its commit: it looks like a loop. Default: 64; 1..1,000.
    std::size_t nesting_max = 64;
    /// Outcomes kept in memory while the disk refuses them. Default: 10,000; 1..1,000,000.
    std::size_t unsaved_outcomes_max = 10'000;
    /// Records of others that one emit feeds to positioned middleware, besides its own. Default: 1,000; 1..100,000.
    std::size_t feed_records_max = 1'000;
    /// In order of their calls. Default: none.
    std::vector<std::shared_ptr<Middleware>> middleware{};
    /// Told of failures of middleware and of outcomes that could not be written: at most once a second for
    /// each of them. Calling thread: the one that met the failure. Locks held: the bus's delivery. Emitting from it is
    /// the error reentrant_emit. What it throws is ignored.
    std::function<void(const FailureReport&)> on_failure{};
    /// Told while positioned middleware catches up as the bus opens.
    std::function<void(const CatchUpProgress&)> on_catch_up{};

    /// Throws Error: invalid_argument.
    void validate() const;
};

}  // namespace daybook
