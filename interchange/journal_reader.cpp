// A journal's files in order, one record at a time.
#include "daybook/interchange/journal_reader.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <daybook/event/error.hpp>
#include <daybook/interchange/line_source.hpp>

#include "interchange/import_batch.hpp"

namespace daybook {
namespace {

// The longest record is a result's: three texts as large as a payload, each byte escaped as six, what the handler returned,
// and the ids of what it emitted.
std::size_t record_bytes_max(const Limits& limits) {
    return std::min<std::size_t>(24 * limits.payload_bytes_max + (std::size_t{16} << 20), std::size_t{1} << 30);
}

struct Part {
    std::uint64_t seq = 0;
    std::uint64_t result_seq = 0;
    std::filesystem::path path;
    bool operator<(const Part& other) const {
        return std::tie(seq, result_seq) < std::tie(other.seq, other.result_seq);
    }
};

// `<first seq>-<first result seq>`, twelve digits or more on both sides: a copy named by its date is none of them.
std::optional<Part> part_of(std::string_view ending) {
    const std::size_t dash = ending.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
        std::uint64_t value = 0;
        if (text.size() < 12) return std::nullopt;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
        return value;
    };
    const auto seq = number(ending.substr(0, dash));
    const auto result_seq = number(ending.substr(dash + 1));
    if (!seq || !result_seq) return std::nullopt;
    return Part{*seq, *result_seq, {}};
}

}  // namespace

std::vector<std::filesystem::path> journal_parts(const std::filesystem::path& path) {
    const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
    const std::string stem = path.filename().string() + ".";
    std::vector<Part> rotated;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.compare(0, stem.size(), stem) != 0) continue;
        if (auto part = part_of(std::string_view(name).substr(stem.size()))) {
            part->path = path.has_parent_path() ? directory / name : std::filesystem::path(name);
            rotated.push_back(std::move(*part));
        }
    }
    std::sort(rotated.begin(), rotated.end());
    std::vector<std::filesystem::path> parts;
    parts.reserve(rotated.size() + 1);
    for (Part& part : rotated) parts.push_back(std::move(part.path));
    if (std::filesystem::exists(path, error)) parts.push_back(path);
    if (parts.empty())
        throw Error(ErrorCode::no_such_file, fmt::format("reading the journal '{}': no such file", path.string()));
    return parts;
}

struct JournalReader::Impl {
    Impl(std::filesystem::path journal, Limits given)
        : path(std::move(journal)), parts(journal_parts(path)), limits(given) {
        open_next();
    }

    void open_next() {
        do {
            if (opened > 0) was_rotated();
            source.emplace(LineSource::open(parts[opened], {.line_bytes_max = record_bytes_max(limits)}));
        } while (parts[opened] == path && was_rotated());
        ++opened;
    }
    // Whether the writer has closed files since the parts were listed; they are read before the new one then.
    bool was_rotated() {
        const auto unread = parts.begin() + static_cast<std::ptrdiff_t>(opened);
        const std::vector<std::filesystem::path> now = journal_parts(path);
        const auto known = opened == 0 ? now.begin() : std::find(now.begin(), now.end(), *(unread - 1));
        const auto next = opened == 0 || known == now.end() ? known : known + 1;
        if (next == now.end() || std::equal(next, now.end(), unread, parts.end())) return false;
        parts.erase(unread, parts.end());
        parts.insert(parts.end(), next, now.end());
        return true;
    }
    [[nodiscard]] bool is_last() const { return opened == parts.size(); }

    const std::filesystem::path path;
    std::vector<std::filesystem::path> parts;
    Limits limits;
    std::size_t opened = 0;
    std::optional<LineSource> source;
    std::optional<JournalRecord> record;
    std::string torn;
    std::string where;
};

JournalReader::JournalReader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
JournalReader::JournalReader(JournalReader&&) noexcept = default;
JournalReader& JournalReader::operator=(JournalReader&&) noexcept = default;
JournalReader::~JournalReader() = default;

JournalReader JournalReader::open(const std::filesystem::path& path, Limits limits) {
    return JournalReader(std::make_unique<Impl>(path, limits));
}

const JournalRecord* JournalReader::next() {
    if (!impl_->torn.empty()) return nullptr;
    for (;;) {
        const SourceLine* line = impl_->source->next();
        if (line == nullptr) {
            if (impl_->is_last()) return nullptr;
            impl_->open_next();
            continue;
        }
        impl_->where = fmt::format("{}:{}", impl_->source->name(), line->number);
        try {
            impl_->record = decode_journal_record(line->text, impl_->limits);
            return &*impl_->record;
        } catch (const Error& error) {
            if (!line->ended && impl_->is_last()) {
                impl_->torn = fmt::format("{}: the journal ends in the middle of a record ({} bytes)", impl_->where,
                                          line->text.size());
                return nullptr;
            }
            throw Error(ErrorCode::invalid_line, fmt::format("{}: {}", impl_->where, interchange::bare_message(error)));
        }
    }
}

const std::string& JournalReader::torn_tail() const noexcept {
    return impl_->torn;
}
std::string JournalReader::where() const {
    return impl_->where;
}

}  // namespace daybook
