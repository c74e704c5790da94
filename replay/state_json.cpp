#include <daybook/replay/state_json.hpp>

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include <daybook/event/json_text.hpp>

namespace daybook {

namespace {

constexpr std::size_t piece_bytes = 16'384;

void append_text(std::string& out, std::string_view text) {
    if (find_invalid_utf8(text) == std::string_view::npos) {
        append_quoted_json(out, text);
    } else {
        append_quoted_json(out, replace_invalid_utf8(text));
    }
}

struct AppendJson {
    std::string& out;
    void operator()(std::monostate) const { out += "null"; }
    void operator()(std::int64_t value) const { fmt::format_to(std::back_inserter(out), "{}", value); }
    void operator()(double value) const {
        if (std::isnan(value)) {
            out += "null";
        } else if (std::isinf(value)) {
            out += value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
        } else {
            const std::string text = fmt::format("{}", value);
            out += text;
            // A REAL stays one for who reads the JSON.
            if (text.find_first_of(".e") == std::string::npos) out += ".0";
        }
    }
    void operator()(const std::string& text) const { append_text(out, text); }
    void operator()(const SqlBlob& blob) const {
        constexpr std::string_view digits = "0123456789abcdef";
        out += '"';
        for (const char c : blob.bytes) {
            const auto byte = static_cast<unsigned char>(c);
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
        out += '"';
    }
};

}  // namespace

void append_json(std::string& out, const SqlValue& value) {
    std::visit(AppendJson{out}, value);
}

std::string row_to_json(const std::vector<std::string>& columns, const std::vector<SqlValue>& row) {
    std::string out = "{";
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) out += ',';
        append_text(out, i < columns.size() ? std::string_view(columns[i]) : std::string_view());
        out += ':';
        append_json(out, row[i]);
    }
    out += '}';
    return out;
}

void write_state_json(StateDatabase& state, const std::function<void(std::string_view)>& write) {
    std::string piece = "{";
    const auto flush = [&](std::size_t at_least) {
        if (piece.size() < at_least) return;
        write(piece);
        piece.clear();
    };
    bool first_table = true;
    for (const std::string& table : state.tables()) {
        if (!first_table) piece += ',';
        first_table = false;
        append_text(piece, table);
        piece += ":[";
        StateRows rows = state.table_rows(table);
        bool first_row = true;
        while (const std::vector<SqlValue>* row = rows.next()) {
            if (!first_row) piece += ',';
            first_row = false;
            piece += row_to_json(rows.columns(), *row);
            flush(piece_bytes);
        }
        piece += ']';
    }
    piece += '}';
    flush(1);
}

}  // namespace daybook
