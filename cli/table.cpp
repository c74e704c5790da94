// Measuring and padding.
#include "cli/table.hpp"

#include <algorithm>

#include "cli/escape.hpp"

namespace daybook::cli {

Table::Table(Output& output, std::vector<Column> columns) : output_(output), columns_(std::move(columns)) {
    for (Column& column : columns_) {
        column.title = escape_cell(column.title);
        widths_.push_back(display_width(column.title));
    }
}

void Table::row(std::vector<std::string> cells) {
    ++rows_;
    for (std::string& cell : cells) cell = escape_cell(cell);
    if (settled_) {
        // Rows that come one by one were not measured: the columns grow with them, and stay aligned from there.
        for (std::size_t i = 0; i < cells.size() && i < widths_.size(); ++i)
            widths_[i] = std::max(widths_[i], std::min(width_max, display_width(cells[i])));
        print(cells);
        return;
    }
    for (std::size_t i = 0; i < cells.size() && i < widths_.size(); ++i)
        widths_[i] = std::max(widths_[i], std::min(width_max, display_width(cells[i])));
    held_.push_back(std::move(cells));
    if (held_.size() >= rows_measured) settle();
}

void Table::settle() {
    if (settled_) return;
    settled_ = true;
    const bool titled =
        std::any_of(columns_.begin(), columns_.end(), [](const Column& column) { return !column.title.empty(); });
    if (titled) {
        std::vector<std::string> titles;
        std::vector<std::string> rules;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            titles.push_back(columns_[i].title);
            std::string rule;
            for (std::size_t n = 0; n < widths_[i]; ++n) rule += "─";
            rules.push_back(rule);
        }
        print(titles);
        print(rules);
    }
    for (const std::vector<std::string>& cells : held_) print(cells);
    held_.clear();
}

void Table::print(const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size() && i < columns_.size(); ++i) {
        const std::size_t width = display_width(cells[i]);
        const std::size_t padding = width < widths_[i] ? widths_[i] - width : 0;
        if (i > 0) text += "  ";
        if (columns_[i].align == Align::right) text.append(padding, ' ');
        text += cells[i];
        if (columns_[i].align == Align::left) text.append(padding, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    output_.line(text);
}

void Table::finish() {
    settle();
}

}  // namespace daybook::cli
