// Draws `label ━━━━━━╌╌╌╌  42 %  12,345 of 29,000 events  8,100/s  2 s left`.
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/escape.hpp"
#include "cli/human.hpp"

namespace daybook::cli {
namespace {

constexpr std::chrono::milliseconds draw_interval{100};
constexpr std::chrono::milliseconds quiet_start{250};  // short work shows nothing at all
constexpr std::size_t bar_columns = 24;

std::size_t terminal_columns() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

std::string bar(double share) {
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar_columns));
    std::string out;
    for (std::size_t i = 0; i < bar_columns; ++i) out += i < filled ? "━" : "╌";
    return out;
}

// Cuts at a code point so that the line never wraps: a wrapped line cannot be wiped.
std::string cut(const std::string& text, std::size_t columns) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t next = at + 1;
        while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
        if (display_width(out) + display_width(text.substr(at, next - at)) > columns) break;
        out += text.substr(at, next - at);
        at = next;
    }
    return out;
}

}  // namespace

Progress::Progress(const Notes& notes, Clock& clock, std::string label, std::string unit)
    : notes_(notes), clock_(clock), label_(std::move(label)), unit_(std::move(unit)), started_(clock.steady()) {}

Progress::~Progress() {
    clear();
}

std::string Progress::quantity(std::uint64_t count) const {
    return unit_ == "bytes" ? human_bytes(count) : human_count(count);
}

void Progress::update(std::uint64_t done, std::uint64_t total) {
    if (!notes_.is_terminal()) return;
    const std::chrono::nanoseconds now = clock_.steady();
    if (now - started_ < quiet_start || now - last_drawn_ < draw_interval) return;
    last_drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    const double rate = static_cast<double>(done) / seconds;
    std::string text = label_ + " ";
    if (total > 0) {
        const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
        text += fmt::format("{} {:3.0f} %  {} of {}", bar(share), share * 100, quantity(done), quantity(total));
    } else {
        text += quantity(done);
    }
    if (unit_ != "bytes") text += " " + unit_;
    text += fmt::format("  {}/s", quantity(static_cast<std::uint64_t>(rate)));
    if (total > done && done > 0) {
        const auto left = std::llround(static_cast<double>(total - done) / rate);
        text += left < 60 ? fmt::format("  {} s left", left)
                          : fmt::format("  {} left", human_duration(std::chrono::seconds(left)));
    }
    notes_.raw("\r" + cut(escape_cell(text), terminal_columns() - 1) + "\x1b[K");
    on_screen_ = true;
}

void Progress::clear() noexcept {
    if (!on_screen_) return;
    notes_.raw("\r\x1b[K");
    on_screen_ = false;
}

}  // namespace daybook::cli
