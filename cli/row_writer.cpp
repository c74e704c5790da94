// Cells to text, and rows to documents.
#include "cli/row_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <daybook/event/json_text.hpp>
#include <daybook/replay/state_json.hpp>

#include "cli/escape.hpp"

namespace daybook::cli {
namespace {

std::string hex(const std::string& bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

bool is_number(const SqlValue& cell) {
    return std::holds_alternative<std::int64_t>(cell) || std::holds_alternative<double>(cell);
}

}  // namespace

std::vector<std::string> unique_names(std::vector<std::string> columns) {
    std::set<std::string> used;
    for (std::string& name : columns) {
        name = valid_utf8(name);
        std::string unique = name;
        for (int n = 2; !used.insert(unique).second; ++n) unique = fmt::format("{}_{}", name, n);
        name = unique;
    }
    return columns;
}

std::string cell_json(const SqlValue& cell) {
    std::string text;
    append_json(text, cell);
    return text;
}

std::string cell_text(const SqlValue& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    if (const auto* blob = std::get_if<SqlBlob>(&cell)) return hex(blob->bytes);
    if (std::holds_alternative<std::monostate>(cell)) return {};
    return cell_json(cell);
}

std::string cell_csv(const SqlValue& cell) {
    std::string text = cell_text(cell);
    if (!std::holds_alternative<std::string>(cell)) return text;
    if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) text.insert(0, "'");
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

std::string row_object(const std::vector<std::string>& unique_columns, const std::vector<SqlValue>& cells) {
    std::string text = "{";
    for (std::size_t i = 0; i < cells.size() && i < unique_columns.size(); ++i) {
        if (i > 0) text += ',';
        append_quoted_json(text, unique_columns[i]);
        text += ':';
        text += cell_json(cells[i]);
    }
    return text + '}';
}

RowWriter::RowWriter(Output& output, Format format, std::vector<std::string> columns)
    : output_(output), format_(format), columns_(unique_names(std::move(columns))) {
    if (format_ == Format::csv) {
        std::string text;
        for (const std::string& column : columns_) {
            if (!text.empty()) text += ',';
            text += cell_csv(SqlValue(column));
        }
        output_.write(text + "\r\n");
    }
}

void RowWriter::start_table(const std::vector<SqlValue>& cells) {
    std::vector<Table::Column> columns;
    for (std::size_t i = 0; i < columns_.size(); ++i)
        columns.push_back({columns_[i], i < cells.size() && is_number(cells[i]) ? Align::right : Align::left});
    table_ = std::make_unique<Table>(output_, std::move(columns));
}

void RowWriter::row(const std::vector<SqlValue>& cells) {
    ++rows_;
    switch (format_) {
        case Format::table: {
            if (!table_) start_table(cells);
            std::vector<std::string> texts;
            texts.reserve(cells.size());
            for (const SqlValue& cell : cells) texts.push_back(cell_text(cell));
            table_->row(std::move(texts));
            break;
        }
        case Format::json:
            output_.write(rows_ == 1 ? "[\n" : ",\n");
            output_.write(row_object(columns_, cells));
            break;
        case Format::jsonl:
            output_.line(row_object(columns_, cells));
            break;
        case Format::csv: {
            std::string text;
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (i > 0) text += ',';
                text += cell_csv(cells[i]);
            }
            output_.write(text + "\r\n");
            break;
        }
    }
}

void RowWriter::finish() {
    if (format_ == Format::table) {
        if (!table_) start_table({});
        table_->finish();
    } else if (format_ == Format::json) {
        output_.write(rows_ == 0 ? "[]\n" : "\n]\n");
    }
}

}  // namespace daybook::cli
