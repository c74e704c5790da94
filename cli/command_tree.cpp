// daybook tree: what led to an event, and what it led to.
#include <fmt/format.h>

#include <memory>

#include <daybook/event/event_line.hpp>

#include "cli/cause_tree.hpp"
#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/event_text.hpp"
#include "cli/format.hpp"
#include "cli/human.hpp"
#include "cli/interrupt.hpp"
#include "cli/number_argument.hpp"
#include "cli/reference.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::string reference;
    std::string depth = "64";
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

// `{"causes":[…],"event":{…},"results":[…],"children":[…]}`, written as it is walked: nothing is nested in memory.
class JsonTree final : public EffectVisitor {
  public:
    JsonTree(Output& output, const Causes& causes) : output_(output), causes_(causes) {}

    void enter(const EffectNode& node) override {
        std::string text;
        if (after_sibling_) text += ',';
        text += '{';
        if (node.depth == 0) append_causes(text);
        text += "\"event\":" + to_line(node.event) + ",\"results\":" + results_json(node.results);
        if (node.more > 0) text += fmt::format(",\"more\":{}", node.more);
        if (node.cycle || (node.depth == 0 && causes_.cycle)) text += ",\"cycle\":true";
        output_.write(text + ",\"children\":[");
        after_sibling_ = false;
    }
    void leave() override {
        output_.write("]}");
        after_sibling_ = true;
    }

  private:
    void append_causes(std::string& text) const {
        text += "\"causes\":[";
        for (std::size_t i = 0; i < causes_.nearest_first.size(); ++i) {
            if (i > 0) text += ',';
            text += to_line(causes_.nearest_first[i]);
        }
        text += "],";
        if (causes_.more > 0) text += fmt::format("\"more_causes\":{},", causes_.more);
    }

    Output& output_;
    const Causes& causes_;
    bool after_sibling_ = false;
};

// Lines with branches, for people.
class TextTree final : public EffectVisitor {
  public:
    explicit TextTree(Output& output) : output_(output) {}

    void enter(const EffectNode& node) override {
        std::string lead;
        if (node.depth > 0) {
            lead = branches_ + (node.last ? "└─ " : "├─ ");
            lengths_.push_back(branches_.size());
            branches_ += node.last ? "   " : "│  ";
        }
        output_.line(lead + summary(node.event) + (node.cycle ? "  (back where this tree began)" : ""));
        for (const EventResult& result : node.results) {
            if (result.status == ResultStatus::pending && node.results.size() > 1 && is_settled(node.results, result))
                continue;
            output_.line(fmt::format("{}   · {} {}: {}", branches_, escape_cell(result.bus),
                                     escape_cell(result.handler), to_string(result.status)));
        }
        if (node.more > 0)
            output_.line(
                fmt::format("{}└─ … {} deeper; --depth shows more", branches_, human_noun(node.more, "effect")));
        ++depth_;
    }
    void leave() override {
        --depth_;
        if (depth_ == 0) return;
        branches_.resize(lengths_.back());
        lengths_.pop_back();
    }

    [[nodiscard]] static std::string summary(const Event& event) {
        return fmt::format("{}  {}  {}@{}  {}", event.seq.value, escape_cell(event.type), escape_cell(event.stream),
                           event.version.value, event.occurred_at.to_string());
    }

  private:
    static bool is_settled(const std::vector<EventResult>& results, const EventResult& pending) {
        for (const EventResult& other : results)
            if (other.bus == pending.bus && other.handler == pending.handler && other.attempt == pending.attempt &&
                other.status != ResultStatus::pending)
                return true;
        return false;
    }

    Output& output_;
    std::string branches_;
    std::vector<std::size_t> lengths_;
    std::uint64_t depth_ = 0;
};

void write_causes_text(Output& output, const Causes& causes) {
    if (causes.cycle) output.line("(the causes lead back to one of these: a cycle)");
    if (causes.more > 0)
        output.line(fmt::format("… {} further up; --depth shows more", human_noun(causes.more, "cause")));
    for (auto cause = causes.nearest_first.rbegin(); cause != causes.nearest_first.rend(); ++cause)
        output.line(TextTree::summary(*cause) + "\n↓");
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    const std::uint64_t depth = number_from("--depth", options.depth, 0, 1'000'000);
    const EventStore store = options.database.open_for_reading(program);
    const EventReader reader = store.reader();
    const Event event = find_event(reader, options.reference);
    const Causes causes = causes_of(reader, event, depth, throw_if_interrupted);
    if (format == Format::table) {
        write_causes_text(program.output, causes);
        TextTree tree(program.output);
        visit_effects(reader, event, depth, tree, throw_if_interrupted);
    } else {
        JsonTree tree(program.output, causes);
        visit_effects(reader, event, depth, tree, throw_if_interrupted);
        program.output.write("\n");
    }
    return ExitCode::done;
}

}  // namespace

void add_tree(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("tree", "What led to an event, and what it led to",
                                     "  daybook tree game.db 42\n"
                                     "  daybook tree game.db 42 --depth 3 --format table",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("REF", options->reference, "A seq (digits), or an id (id:… where it is made of digits)")
        ->required()
        ->type_name("");
    command.add_option("--depth", options->depth, "How far up and down; the rest is counted. Default: 64")
        ->type_name("N");
    options->format.add_to(command);
}

}  // namespace daybook::cli
