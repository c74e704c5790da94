#include "campaign/campaign.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace daybook::campaign {

namespace {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::uint64_t chosen_seed() {
    const std::string text = environment("DAYBOOK_SEED");
    return text.empty() ? 20'260'131 : std::stoull(text);
}

std::string mode() {
    std::string text = environment("DAYBOOK_CAMPAIGN");
    return text.empty() ? "quick" : text;
}

}  // namespace

bool is_full() {
    return mode() != "quick";
}

Campaign::Campaign(std::string name, std::string unit, std::uint64_t quick_goal, std::uint64_t full_goal)
    : name_(std::move(name)),
      unit_(std::move(unit)),
      seed_(chosen_seed()),
      goal_(quick_goal),
      started_(std::chrono::steady_clock::now()) {
    // A campaign makes and drops whole disks by the thousand: giving their memory back each time costs a quarter of it.
    ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    const std::string how_much = mode();
    if (how_much == "quick") return;
    goal_ = full_goal;
    if (how_much == "full") return;
    const double minutes = std::stod(how_much);
    if (minutes <= 0) throw std::invalid_argument("DAYBOOK_CAMPAIGN is quick, full or a number of minutes");
    goal_ = 1;
    time_ = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double, std::ratio<60>>(minutes));
}

bool Campaign::goes_on() const {
    if (time_ != time_.zero()) return std::chrono::steady_clock::now() - started_ < time_;
    return counted_ < goal_;
}

void Campaign::figure(std::string_view name, std::uint64_t value) {
    figures_.emplace_back(name, value);
}

std::string Campaign::finish() {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    std::string line = fmt::format("{}: {} {}", name_, counted_, unit_);
    for (const auto& [name, value] : figures_) line += fmt::format(", {} {}", value, name);
    line += fmt::format("; seed {}, {:.1f} s", seed_, seconds);
    if (counted_ < goal_) line += fmt::format("; GOAL MISSED: {} were asked for", goal_);
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    if (const std::string path = environment("DAYBOOK_FIGURES"); !path.empty()) {
        if (std::FILE* const file = std::fopen(path.c_str(), "a")) {
            std::fputs((line + "\n").c_str(), file);
            std::fclose(file);
        }
    }
    return counted_ < goal_ ? line : "";
}

}  // namespace daybook::campaign
