// Cuts bytes into lines. One buffer that grows up to the cap and one read's worth more.
#include "daybook/interchange/line_source.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <daybook/event/error.hpp>

#include "interchange/byte_source.hpp"

namespace daybook {
namespace {

constexpr std::size_t read_bytes = std::size_t{128} << 10;
constexpr std::size_t line_bytes_limit = std::size_t{1} << 30;

bool is_blank(std::string_view text) noexcept {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

struct LineSource::Impl {
    Impl(std::string source_name, LineSourceOptions source_options)
        : name(std::move(source_name)), options(source_options) {
        if (options.line_bytes_max < 1 || options.line_bytes_max > line_bytes_limit)
            throw Error(ErrorCode::invalid_argument, fmt::format("reading {}: line_bytes_max is {}, it must be 1 to {}",
                                                                 name, options.line_bytes_max, line_bytes_limit));
    }

    // Puts more bytes behind those that are not yet used. False at the end.
    bool fill() {
        if (begin != 0) {
            std::memmove(buffer.data(), buffer.data() + begin, end - begin);
            end -= begin;
            begin = 0;
        }
        if (buffer.size() - end < read_bytes) buffer.resize(end + read_bytes);
        const std::size_t got = bytes->read(buffer.data() + end, read_bytes);
        end += got;
        return got != 0;
    }

    // The rest of a line that was too large.
    void pass_over() {
        for (;;) {
            if (const void* newline = std::memchr(buffer.data() + begin, '\n', end - begin)) {
                begin = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer.data()) + 1;
                break;
            }
            begin = end;
            if (!fill()) break;
        }
        passing_over = false;
    }

    const SourceLine* read_line() {
        if (passing_over) pass_over();
        for (;;) {
            std::size_t looked_at = begin;
            const char* newline = nullptr;
            bool more = true;
            ++line.number;
            for (;;) {
                newline = looked_at == end
                              ? nullptr
                              : static_cast<const char*>(std::memchr(buffer.data() + looked_at, '\n', end - looked_at));
                const std::size_t so_far =
                    newline != nullptr ? static_cast<std::size_t>(newline - (buffer.data() + begin)) : end - begin;
                // One byte more may be the '\r' of the line's end.
                if (so_far > options.line_bytes_max + 1) too_large(so_far, newline != nullptr);
                if (newline != nullptr || !more) break;
                const std::size_t scanned = end - begin;
                more = fill();
                looked_at = begin + scanned;
            }
            if (newline == nullptr && begin == end) {
                --line.number;
                at_end = true;
                return nullptr;
            }
            const std::size_t stop = newline != nullptr ? static_cast<std::size_t>(newline - buffer.data()) : end;
            std::string_view text(buffer.data() + begin, stop - begin);
            line.ended = newline != nullptr;
            if (line.ended && !text.empty() && text.back() == '\r') text.remove_suffix(1);
            if (text.size() > options.line_bytes_max) too_large(text.size(), line.ended);
            begin = line.ended ? stop + 1 : stop;
            if (is_blank(text)) continue;
            line.text = text;
            return &line;
        }
    }

    [[noreturn]] void too_large(std::size_t so_far, bool whole) {
        passing_over = true;
        throw Error(ErrorCode::too_large,
                    fmt::format("{}:{}: the line has {}{} bytes, the most is {}", name, line.number,
                                whole ? "" : "more than ", so_far, options.line_bytes_max));
    }

    std::string name;
    LineSourceOptions options;
    std::filesystem::path real_path{};
    std::optional<std::uint64_t> total{};
    std::uint64_t count = 0;
    std::unique_ptr<interchange::ByteSource> raw{};
    std::unique_ptr<interchange::ByteSource> bytes{};
    std::vector<char> buffer{};
    std::size_t begin = 0;
    std::size_t end = 0;
    SourceLine line{};
    bool passing_over = false;
    bool at_end = false;
    std::optional<Error> failed{};
};

LineSource::LineSource(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
LineSource::LineSource(LineSource&&) noexcept = default;
LineSource& LineSource::operator=(LineSource&&) noexcept = default;
LineSource::~LineSource() = default;

LineSource LineSource::open(const std::filesystem::path& path, LineSourceOptions options) {
    auto impl = std::make_unique<Impl>(path.string(), options);
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) {
        const int error = errno;
        const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::no_such_file
                               : error == EACCES || error == EPERM ? ErrorCode::permission_denied
                                                                   : ErrorCode::io_error;
        throw Error(code, fmt::format("reading lines of '{}': {}", path.string(), std::strerror(error)));
    }
    impl->raw = interchange::read_descriptor(descriptor, true, impl->name, impl->count);
    struct stat status {};
    if (::fstat(descriptor, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            throw Error(ErrorCode::unsupported_path,
                        fmt::format("reading lines of '{}': it is a directory; name a file", path.string()));
        if (S_ISREG(status.st_mode)) impl->total = static_cast<std::uint64_t>(status.st_size);
    }
    std::error_code ignored;
    impl->real_path = std::filesystem::canonical(path, ignored);
    if (ignored) impl->real_path = std::filesystem::absolute(path, ignored);
    return LineSource(std::move(impl));
}

LineSource LineSource::from_descriptor(int descriptor, std::string name, LineSourceOptions options) {
    auto impl = std::make_unique<Impl>(std::move(name), options);
    impl->raw = interchange::read_descriptor(descriptor, false, impl->name, impl->count);
    return LineSource(std::move(impl));
}

LineSource LineSource::from_stream(std::istream& stream, std::string name, LineSourceOptions options) {
    auto impl = std::make_unique<Impl>(std::move(name), options);
    impl->raw = interchange::read_stream(stream, impl->name, impl->count);
    return LineSource(std::move(impl));
}

const SourceLine* LineSource::next() {
    if (impl_->failed) throw Error(*impl_->failed);
    if (impl_->at_end) return nullptr;
    try {
        if (!impl_->bytes) impl_->bytes = interchange::decoded(std::move(impl_->raw));
        return impl_->read_line();
    } catch (const interchange::DamagedData& damaged) {
        const std::uint64_t line = impl_->line.number == 0 ? 1 : impl_->line.number;
        impl_->failed.emplace(ErrorCode::invalid_line,
                              fmt::format("{}:{}: {}, after {} bytes of the file; no whole line can be read from here",
                                          impl_->name, line, damaged.reason, impl_->count));
        throw Error(*impl_->failed);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::too_large) impl_->failed = error;
        throw;
    }
}

std::uint64_t LineSource::line_number() const noexcept {
    return impl_->line.number;
}
const std::string& LineSource::name() const noexcept {
    return impl_->name;
}
const std::filesystem::path& LineSource::real_path() const noexcept {
    return impl_->real_path;
}
std::uint64_t LineSource::bytes_read() const noexcept {
    return impl_->count;
}
std::optional<std::uint64_t> LineSource::bytes_total() const noexcept {
    return impl_->total;
}

}  // namespace daybook
