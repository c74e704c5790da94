// The causes and the effects of one event, walked without recursion: chains may be a hundred thousand deep.
//
// An event has at most one cause, so what can be reached downwards is a tree, and the only way round in it leads back to
// where it began. Upwards a chain may end in any cycle.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/store/event_reader.hpp>

namespace daybook::cli {

struct Causes {
    std::vector<Event> nearest_first;  ///< at most `depth`
    std::uint64_t more = 0;            ///< causes beyond them
    bool cycle = false;                ///< the chain came back to an event that it had passed
};

/// `check` is called now and then and may throw, to stop.
[[nodiscard]] Causes causes_of(const EventReader& reader, const Event& event, std::uint64_t depth,
                               const std::function<void()>& check);

/// One event of the tree of effects.
struct EffectNode {
    const Event& event;
    const std::vector<EventResult>& results;
    std::uint64_t depth = 0;  ///< 0 for the event that the walk began with
    bool last = false;        ///< no sibling comes after it
    bool cycle = false;       ///< it is the event that the walk began with, met again
    std::uint64_t more = 0;   ///< effects below it that are too deep to be visited
};

class EffectVisitor {
  public:
    virtual ~EffectVisitor() = default;
    virtual void enter(const EffectNode& node) = 0;
    /// After all effects of the node that was entered last and not left.
    virtual void leave() = 0;
};

/// Depth first, effects in seq order.
void visit_effects(const EventReader& reader, const Event& event, std::uint64_t depth, EffectVisitor& visitor,
                   const std::function<void()>& check);

}  // namespace daybook::cli
