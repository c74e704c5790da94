// What an event costs while a log grows, drawn as SVG. It draws what it is given; bench/growth.hpp measures it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace daybook::bench {

/// One way to fill a log, in pieces of equal size.
struct GrowthLine {
    std::string name;
    std::vector<double> us_per_event;  ///< of each piece
    bool is_limit = false;             ///< dashed
};

struct GrowthChart {
    std::uint64_t events = 0;            ///< in the log at the end
    std::vector<std::string> subtitles;  ///< what the figures depend on, two lines at most
    std::vector<GrowthLine> lines;       ///< three at most

    /// A whole document: both axes from zero, light or dark as the reader's system is, no script.
    [[nodiscard]] std::string to_svg() const;
};

}  // namespace daybook::bench
