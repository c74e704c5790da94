// Running again what a process that is gone had left unfinished.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <daybook/event/event_result.hpp>
#include <daybook/store/unfinished.hpp>

namespace daybook {

struct RecoverOptions {
    /// Work items to run at most; the rest is left for the next call. Default: all.
    std::size_t items_max = SIZE_MAX;
    /// Told before each item that is run. Returning false stops; that item is not claimed.
    std::function<bool(const Unfinished&)> before_each{};
};

struct RecoverReport {
    std::vector<EventResult> results;    ///< outcomes of what was run, in order; `error` ones included
    std::size_t owner_lives = 0;         ///< left alone: the bus instance that owns it is still there
    std::size_t taken_by_others = 0;     ///< somebody else claimed or finished it first
    std::size_t not_recoverable = 0;     ///< unnamed, or registered as not recoverable
    std::vector<Unfinished> no_handler;  ///< no handler of that name is registered here
    std::size_t left = 0;                ///< recoverable here, but items_max or before_each stopped
    std::string outcome_error{};         ///< as Emitted::outcome_error
};

}  // namespace daybook
