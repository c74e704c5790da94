#include "bench/growth_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

constexpr double width = 800;
constexpr double height = 480;
// Where the lines are: the rest is for words.
constexpr double left = 70;
constexpr double right = 770;
constexpr double top = 132;
constexpr double bottom = 420;

constexpr std::size_t colours = 3;
// Blue, orange and grey, which the colour-blind tell apart too.
constexpr std::string_view style = R"(<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 18px; font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.paper, .dot { fill: #ffffff }
.grid { stroke: #d1d9e0 }
.axis { stroke: #59636e }
.line { fill: none; stroke-width: 2 }
.limit { stroke-dasharray: 6 4 }
.c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } .c2 { stroke: #6e7781 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.small { fill: #9198a1 }
.paper, .dot { fill: #0d1117 }
.grid { stroke: #3d444d }
.axis { stroke: #9198a1 }
.c0 { stroke: #4493f8 } .c1 { stroke: #f0883e } .c2 { stroke: #9198a1 }
}
</style>
)";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        if (letter == '&') {
            out += "&amp;";
        } else if (letter == '<') {
            out += "&lt;";
        } else {
            out += letter;
        }
    }
    return out;
}

std::string text_at(double x, double y, std::string_view text, std::string_view attributes = "") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", x, y, attributes, escaped(text));
}

std::string rule(double x1, double y1, double x2, double y2, std::string_view kind) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                       kind);
}

// The least of 1, 2, 5, 10, … (and their tenths, and so on) that cuts `most` into six steps at the most.
double step_of(double most) {
    const double ten = std::pow(10, std::floor(std::log10(most / 6)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (factor * ten * 6 >= most) return factor * ten;
    return 10 * ten;
}

// From values to places.
struct Scale {
    std::size_t pieces = 0;
    double step = 0;  // between two marks of the y axis
    double most = 0;  // at its end

    [[nodiscard]] double x(std::size_t piece) const {
        return left + (right - left) * static_cast<double>(piece) / static_cast<double>(pieces);
    }
    [[nodiscard]] double y(double us) const { return bottom - (bottom - top) * us / most; }
};

Scale scale_of(const std::vector<GrowthLine>& lines) {
    require(!lines.empty() && lines.size() <= colours, "a growth chart has one to three lines");
    Scale scale{.pieces = lines.front().us_per_event.size()};
    double most = 0;
    for (const GrowthLine& line : lines) {
        require(!line.us_per_event.empty() && line.us_per_event.size() == scale.pieces,
                "the lines of a growth chart have the same pieces");
        most = std::max(most, *std::max_element(line.us_per_event.begin(), line.us_per_event.end()));
    }
    require(most > 0 && std::isfinite(most), "an event costs something");
    scale.step = step_of(most);
    scale.most = scale.step * std::ceil(most / scale.step);
    return scale;
}

std::string axes(const Scale& scale, std::uint64_t events) {
    std::string svg;
    const auto steps = static_cast<int>(std::lround(scale.most / scale.step));
    for (int step = 0; step <= steps; ++step) {
        const double us = step * scale.step;
        const double y = scale.y(us);
        svg += rule(left, y, right, y, step == 0 ? "axis" : "grid");
        svg += text_at(left - 10, y + 4, fmt::format("{:g}", us), R"( text-anchor="end")");
    }
    svg += rule(left, top, left, bottom, "axis");
    for (std::size_t piece = 0; piece <= scale.pieces; ++piece) {
        const double millions =
            static_cast<double>(events) / 1e6 * static_cast<double>(piece) / static_cast<double>(scale.pieces);
        svg += rule(scale.x(piece), bottom, scale.x(piece), bottom + 5, "axis");
        svg += text_at(scale.x(piece), bottom + 21, fmt::format("{:g}", millions), R"( text-anchor="middle")");
    }
    svg += text_at(left - 40, top - 14, "µs an event");
    svg += text_at((left + right) / 2, bottom + 46,
                   "events in the log, millions; a point is the cost of the tenth that ends there",
                   R"( text-anchor="middle")");
    return svg;
}

// A point is the cost of the events of the piece that ends there.
std::string curve(const GrowthLine& line, std::size_t number, const Scale& scale) {
    std::string points;
    std::string dots;
    for (std::size_t piece = 0; piece < line.us_per_event.size(); ++piece) {
        const double us = line.us_per_event[piece];
        const double x = scale.x(piece + 1);
        const double y = scale.y(us);
        points += fmt::format("{}{:.1f},{:.1f}", piece == 0 ? "" : " ", x, y);
        dots += fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" class=\"dot\"><title>{:.2f} µs</title>"
            "</circle>\n",
            x, y, us);
    }
    return fmt::format("<g class=\"c{}\" stroke-width=\"2\">\n<polyline points=\"{}\" class=\"line{}\"/>\n{}</g>\n",
                       number, points, line.is_limit ? " limit" : "", dots);
}

std::string legend(const std::vector<GrowthLine>& lines) {
    constexpr double room = (right - left) / colours;
    constexpr double y = 92;
    std::string svg;
    for (std::size_t number = 0; number < lines.size(); ++number) {
        const double x = left + room * static_cast<double>(number);
        svg += rule(x, y - 4, x + 26, y - 4, fmt::format("line c{}{}", number, lines[number].is_limit ? " limit" : ""));
        svg += text_at(x + 34, y, lines[number].name);
    }
    return svg;
}

}  // namespace

std::string GrowthChart::to_svg() const {
    constexpr std::string_view title = "What an event costs while the log grows";
    const Scale scale = scale_of(lines);
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" height=\"{1:g}\" "
        "role=\"img\">\n<title>{2}</title>\n{3}<rect width=\"{0:g}\" height=\"{1:g}\" class=\"paper\"/>\n",
        width, height, title, style);
    svg += text_at(left - 40, 30, title, R"( class="title")");
    double y = 51;
    for (const std::string& subtitle : subtitles) {
        svg += text_at(left - 40, y, subtitle, R"( class="small")");
        y += 17;
    }
    svg += legend(lines);
    svg += axes(scale, events);
    for (std::size_t number = 0; number < lines.size(); ++number) svg += curve(lines[number], number, scale);
    return svg + "</svg>\n";
}

}  // namespace daybook::bench
