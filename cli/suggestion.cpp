// Edit distance with neighbouring letters swapped counted as one edit.
#include "cli/suggestion.hpp"

#include <algorithm>

namespace daybook::cli {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& known) {
    if (wrong.size() > 64) return {};
    std::string nearest;
    std::size_t best = wrong.size() <= 4 ? 2 : 3;  // at most one edit in a short word, two in a longer one
    for (const std::string& name : known) {
        const std::size_t edits = distance(wrong, name);
        if (edits < best) {
            best = edits;
            nearest = name;
        }
    }
    return nearest;
}

}  // namespace daybook::cli
