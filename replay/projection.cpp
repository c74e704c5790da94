#include <daybook/replay/projection.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/json_text.hpp>
#include <daybook/event/sha256.hpp>

namespace daybook {

namespace {

constexpr std::size_t source_bytes_max = std::size_t{1} << 20;
constexpr std::size_t name_bytes_max = 255;

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t\r\f";
    const std::size_t begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// A comment that stands alone at the beginning of a line, where SQL is not inside a string or another comment.
struct LineComment {
    std::size_t begin = 0;  // of its line
    std::size_t end = 0;    // of its line, behind the newline
    std::size_t line = 1;
    std::string_view text;  // without the dashes
};

// Walks over SQL text and stops at each line comment.
class CommentScanner {
  public:
    explicit CommentScanner(std::string_view text) noexcept : text_(text) {}

    std::optional<LineComment> next() noexcept {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\n') {
                ++at_;
                ++line_;
                line_begin_ = at_;
                line_is_blank_ = true;
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
                ++at_;
            } else if (text_.substr(at_).starts_with("--")) {
                const bool alone = line_is_blank_;
                const std::size_t newline = text_.find('\n', at_);
                const std::size_t end = newline == std::string_view::npos ? text_.size() : newline;
                const LineComment comment{line_begin_, std::min(end + 1, text_.size()), line_,
                                          trimmed(text_.substr(at_ + 2, end - at_ - 2))};
                at_ = end;
                if (alone) return comment;
            } else {
                line_is_blank_ = false;
                if (text_.substr(at_).starts_with("/*")) {
                    skip_past("*/", 2);
                } else if (c == '\'' || c == '"' || c == '`') {
                    skip_past(text_.substr(at_, 1), 1);  // a doubled quote is two strings in a row
                } else if (c == '[') {
                    skip_past("]", 1);
                } else {
                    ++at_;
                }
            }
        }
        return std::nullopt;
    }

  private:
    void skip_past(std::string_view what, std::size_t from) noexcept {
        const std::size_t found = text_.find(what, at_ + from);
        const std::size_t end = found == std::string_view::npos ? text_.size() : found + what.size();
        line_ += static_cast<std::size_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                     text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
        at_ = end;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t line_begin_ = 0;
    bool line_is_blank_ = true;
};

// Whether anything but white space and comments is in `sql`, and on which line of it (from 0).
std::optional<std::size_t> first_statement_line(std::string_view sql) noexcept {
    std::size_t line = 0;
    for (std::size_t at = 0; at < sql.size();) {
        if (sql[at] == '\n') ++line;
        if (sql[at] == '\n' || sql[at] == ' ' || sql[at] == '\t' || sql[at] == '\r' || sql[at] == '\f') {
            ++at;
        } else if (sql.substr(at).starts_with("--")) {
            at = std::min(sql.find('\n', at), sql.size());
        } else if (sql.substr(at).starts_with("/*")) {
            const std::size_t end = sql.find("*/", at + 2);
            if (end == std::string_view::npos) return std::nullopt;
            line += static_cast<std::size_t>(std::count(sql.begin() + static_cast<std::ptrdiff_t>(at),
                                                        sql.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
            at = end + 2;
        } else {
            return line;
        }
    }
    return std::nullopt;
}

// The word after '@', and what follows it.
std::pair<std::string_view, std::string_view> directive(std::string_view comment) noexcept {
    const std::size_t end = std::min(comment.find_first_of(" \t"), comment.size());
    return {comment.substr(0, end), trimmed(comment.substr(end))};
}

}  // namespace

bool Projection::Reaction::matches(std::string_view type) const noexcept {
    return std::any_of(patterns.begin(), patterns.end(),
                       [type](const TypePattern& pattern) { return pattern.matches(type); });
}

Projection Projection::parse(std::string_view text, std::string_view file) {
    Projection projection;
    projection.file_ = file;
    projection.source_hash_ = sha256(text);
    const auto refuse = [file](std::size_t line, const std::string& what) {
        throw Error(ErrorCode::invalid_projection, fmt::format("read the projection {}:{}: {}", file, line, what));
    };
    if (text.size() > source_bytes_max)
        throw Error(ErrorCode::too_large, fmt::format("read the projection {}: it is {} bytes, the limit is {}", file,
                                                      text.size(), source_bytes_max));
    if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos)
        throw Error(ErrorCode::invalid_utf8, fmt::format("read the projection {}: byte {} is not UTF-8", file, bad));
    if (text.find('\0') != std::string_view::npos) refuse(1, "it contains a NUL byte");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);

    // A part goes from behind its header line to the next header line.
    bool in_part = false;
    bool part_is_init = false;
    std::vector<TypePattern> patterns;
    std::size_t part_begin = 0;
    std::size_t part_line = 1;
    const auto finish_part = [&](std::size_t end) {
        const std::string_view sql = text.substr(part_begin, end - part_begin);
        const auto statement = first_statement_line(sql);
        if (!in_part) {
            if (statement)
                refuse(part_line + *statement,
                       "a statement before the first part: write `-- @init` or `-- @on PATTERN` above it");
            return;
        }
        if (!statement) refuse(part_line - 1, "this part has no statement");
        SqlScript script{.sql = std::string(sql), .file = std::string(file), .first_line = part_line};
        if (part_is_init) {
            projection.init_.push_back(std::move(script));
        } else {
            projection.reactions_.push_back({std::move(patterns), std::move(script)});
        }
        patterns.clear();
    };
    const auto take_name = [&](std::string& into, std::string_view value, std::string_view what, std::size_t line) {
        if (!into.empty()) refuse(line, fmt::format("a second `-- {}:` line", what));
        if (value.empty()) refuse(line, fmt::format("`-- {}:` says nothing", what));
        try {
            check_name(value, what, name_bytes_max);
        } catch (const Error& error) {
            refuse(line, error.what());
        }
        into = value;
    };

    CommentScanner scanner(text);
    while (const auto comment = scanner.next()) {
        if (!in_part && comment->text.starts_with("projection:")) {
            take_name(projection.name_, trimmed(comment->text.substr(11)), "projection", comment->line);
        } else if (!in_part && comment->text.starts_with("version:")) {
            take_name(projection.version_, trimmed(comment->text.substr(8)), "version", comment->line);
        } else if (comment->text.starts_with('@')) {
            const auto [word, rest] = directive(comment->text);
            if (word != "@init" && word != "@on")
                refuse(comment->line,
                       fmt::format("there is no `-- {}`; there are `-- @init` and `-- @on PATTERN, …`", word));
            if (projection.name_.empty())
                refuse(comment->line, "`-- projection: NAME` must come before the first part");
            if (projection.version_.empty()) refuse(comment->line, "`-- version: N` must come before the first part");
            finish_part(comment->begin);
            in_part = true;
            part_is_init = word == "@init";
            part_begin = comment->end;
            part_line = comment->line + 1;
            if (part_is_init && !rest.empty())
                refuse(comment->line, fmt::format("`-- @init` takes nothing, not \"{}\"", rest));
            if (part_is_init) continue;
            if (rest.empty()) refuse(comment->line, "`-- @on` needs type patterns; `*` is every type");
            try {
                patterns = parse_pattern_list(rest);
            } catch (const Error& error) {
                refuse(comment->line, error.what());
            }
        }
    }
    if (projection.name_.empty()) refuse(1, "there is no `-- projection: NAME` line");
    if (projection.version_.empty()) refuse(1, "there is no `-- version: N` line");
    finish_part(text.size());
    if (projection.reactions_.empty()) refuse(1, "there is no `-- @on PATTERN` part: it would do nothing");
    return projection;
}

Projection Projection::load(const std::filesystem::path& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found)
        throw Error(ErrorCode::no_such_file,
                    fmt::format("read the projection {}: there is no such file", path.string()));
    if (status.type() == std::filesystem::file_type::directory)
        throw Error(ErrorCode::unsupported_path,
                    fmt::format("read the projection {}: it is a directory", path.string()));
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw Error(ErrorCode::permission_denied,
                    fmt::format("read the projection {}: it cannot be opened", path.string()));
    std::string text;
    // One byte more than the limit tells that there is more.
    text.resize(source_bytes_max + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad())
        throw Error(ErrorCode::io_error, fmt::format("read the projection {}: the disk refused", path.string()));
    return parse(text, path.string());
}

}  // namespace daybook
