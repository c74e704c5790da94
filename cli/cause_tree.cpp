// Walking up with a set of what was passed, and down with a stack of our own.
#include "cli/cause_tree.hpp"

#include <unordered_set>
#include <utility>

namespace daybook::cli {
namespace {

constexpr std::size_t page_effects = 256;

// The effects of one event, page by page, with a look ahead.
class Effects {
  public:
    Effects(const EventReader& reader, std::string id) : reader_(&reader), id_(std::move(id)) { fetch(Sequence{0}); }

    [[nodiscard]] bool at_end() const noexcept { return at_ >= page_.size(); }
    Sequence take() {
        const Sequence seq = page_[at_++];
        if (at_ == page_.size() && page_.size() == page_effects) fetch(seq);
        return seq;
    }

  private:
    void fetch(Sequence after) {
        page_ = reader_->effects_of(id_, after, page_effects);
        at_ = 0;
    }

    const EventReader* reader_;
    std::string id_;
    std::vector<Sequence> page_;
    std::size_t at_ = 0;
};

std::uint64_t count_effects(const EventReader& reader, const std::string& id, Sequence root,
                            const std::function<void()>& check) {
    std::uint64_t count = 0;
    std::vector<Effects> stack;
    stack.emplace_back(reader, id);
    while (!stack.empty()) {
        if (stack.back().at_end()) {
            stack.pop_back();
            continue;
        }
        const Sequence seq = stack.back().take();
        if (stack.back().at_end()) stack.pop_back();  // a chain needs one entry, however long
        if (seq == root) continue;
        ++count;
        check();
        if (const std::optional<Event> event = reader.find(seq)) stack.emplace_back(reader, event->id);
    }
    return count;
}

}  // namespace

Causes causes_of(const EventReader& reader, const Event& event, std::uint64_t depth,
                 const std::function<void()>& check) {
    Causes causes;
    std::unordered_set<std::uint64_t> passed{event.seq.value};
    std::optional<std::string> next = event.causation_id;
    while (next) {
        check();
        std::optional<Event> cause = reader.find(std::string_view(*next));
        if (!cause) break;  // a cause need not be in the file
        if (!passed.insert(cause->seq.value).second) {
            causes.cycle = true;
            break;
        }
        next = cause->causation_id;
        if (causes.nearest_first.size() < depth)
            causes.nearest_first.push_back(std::move(*cause));
        else
            ++causes.more;
    }
    return causes;
}

void visit_effects(const EventReader& reader, const Event& event, std::uint64_t depth, EffectVisitor& visitor,
                   const std::function<void()>& check) {
    const Sequence root = event.seq;
    std::vector<Effects> stack;
    const auto enter = [&](const Event& node, bool last) {
        const std::uint64_t level = stack.size();
        const bool cycle = level > 0 && node.seq == root;
        const bool deepest = level >= depth;
        const std::uint64_t more = deepest && !cycle ? count_effects(reader, node.id, root, check) : 0;
        visitor.enter({node, reader.results_of(node.seq), level, last, cycle, more});
        return !cycle && !deepest;
    };
    if (!enter(event, true)) {
        visitor.leave();
        return;
    }
    stack.emplace_back(reader, event.id);
    while (!stack.empty()) {
        check();
        if (stack.back().at_end()) {
            stack.pop_back();
            visitor.leave();
            continue;
        }
        const Sequence seq = stack.back().take();
        const bool last = stack.back().at_end();
        const std::optional<Event> child = reader.find(seq);
        if (!child) continue;
        if (enter(*child, last))
            stack.emplace_back(reader, child->id);
        else
            visitor.leave();
    }
}

}  // namespace daybook::cli
