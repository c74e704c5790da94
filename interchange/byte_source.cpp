// Descriptors, streams, gzip (zlib) and zstd (libzstd). Several gzip members or zstd frames after each other are one
// input, as the command-line tools of both formats have it.
#include "interchange/byte_source.hpp"

#include <cerrno>
#include <cstring>
#include <istream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <daybook/event/error.hpp>

namespace daybook::interchange {
namespace {

constexpr std::size_t input_bytes = std::size_t{128} << 10;

class DescriptorBytes final : public ByteSource {
  public:
    DescriptorBytes(int descriptor, bool owned, std::string name, std::uint64_t& count)
        : descriptor_(descriptor), owned_(owned), name_(std::move(name)), count_(count) {}
    ~DescriptorBytes() override {
        if (owned_) ::close(descriptor_);
    }
    DescriptorBytes(const DescriptorBytes&) = delete;
    DescriptorBytes& operator=(const DescriptorBytes&) = delete;

    std::size_t read(char* out, std::size_t bytes) override {
        for (;;) {
            const ssize_t got = ::read(descriptor_, out, bytes);
            if (got >= 0) {
                count_ += static_cast<std::uint64_t>(got);
                return static_cast<std::size_t>(got);
            }
            if (errno == EINTR) continue;
            throw Error(ErrorCode::io_error,
                        fmt::format("reading {} failed after {} bytes: {}", name_, count_, std::strerror(errno)));
        }
    }

  private:
    int descriptor_;
    bool owned_;
    std::string name_;
    std::uint64_t& count_;
};

class StreamBytes final : public ByteSource {
  public:
    StreamBytes(std::istream& stream, std::string name, std::uint64_t& count)
        : stream_(stream), name_(std::move(name)), count_(count) {}

    std::size_t read(char* out, std::size_t bytes) override {
        if (!stream_) return 0;
        stream_.read(out, static_cast<std::streamsize>(bytes));
        if (stream_.bad())
            throw Error(ErrorCode::io_error, fmt::format("reading {} failed after {} bytes", name_, count_));
        const auto got = static_cast<std::size_t>(stream_.gcount());
        count_ += got;
        return got;
    }

  private:
    std::istream& stream_;
    std::string name_;
    std::uint64_t& count_;
};

// The bytes that were looked at, then the rest.
class Peeked final : public ByteSource {
  public:
    Peeked(std::string head, std::unique_ptr<ByteSource> rest) : head_(std::move(head)), rest_(std::move(rest)) {}

    std::size_t read(char* out, std::size_t bytes) override {
        if (given_ == head_.size()) return rest_->read(out, bytes);
        const std::size_t part = std::min(bytes, head_.size() - given_);
        std::memcpy(out, head_.data() + given_, part);
        given_ += part;
        return part;
    }

  private:
    std::string head_;
    std::size_t given_ = 0;
    std::unique_ptr<ByteSource> rest_;
};

class GzipBytes final : public ByteSource {
  public:
    explicit GzipBytes(std::unique_ptr<ByteSource> raw) : raw_(std::move(raw)), input_(input_bytes) {
        // 16: a gzip header is asked for, and its checksum is compared.
        if (inflateInit2(&zlib_, 16 + MAX_WBITS) != Z_OK)
            throw Error(ErrorCode::out_of_memory, "reading gzip: zlib could not be set up");
    }
    ~GzipBytes() override { inflateEnd(&zlib_); }
    GzipBytes(const GzipBytes&) = delete;
    GzipBytes& operator=(const GzipBytes&) = delete;

    std::size_t read(char* out, std::size_t bytes) override {
        if (bytes > input_bytes) bytes = input_bytes;
        zlib_.next_out = reinterpret_cast<Bytef*>(out);
        zlib_.avail_out = static_cast<uInt>(bytes);
        while (zlib_.avail_out == bytes) {
            if (zlib_.avail_in == 0 && !refill()) {
                if (inside_) throw DamagedData{"the gzip data is cut short"};
                return 0;
            }
            if (!inside_) {
                if (padding()) continue;
                inflateReset(&zlib_);
                inside_ = true;
            }
            const int answer = inflate(&zlib_, Z_NO_FLUSH);
            if (answer == Z_STREAM_END) {
                inside_ = false;
                first_ = false;
            } else if (answer != Z_OK && answer != Z_BUF_ERROR) {
                throw DamagedData{
                    fmt::format("the gzip data is damaged ({})", zlib_.msg != nullptr ? zlib_.msg : "zlib error")};
            }
        }
        return bytes - zlib_.avail_out;
    }

  private:
    bool refill() {
        const std::size_t got = raw_->read(reinterpret_cast<char*>(input_.data()), input_.size());
        zlib_.next_in = input_.data();
        zlib_.avail_in = static_cast<uInt>(got);
        return got != 0;
    }
    // Zeros after a member are padding, as tape drives leave it.
    bool padding() {
        if (first_) return false;
        while (zlib_.avail_in != 0 && *zlib_.next_in == 0) {
            ++zlib_.next_in;
            --zlib_.avail_in;
        }
        return zlib_.avail_in == 0;
    }

    std::unique_ptr<ByteSource> raw_;
    std::vector<Bytef> input_;
    z_stream zlib_{};
    bool inside_ = false;  // a member has begun and not ended
    bool first_ = true;
};

class ZstdBytes final : public ByteSource {
  public:
    explicit ZstdBytes(std::unique_ptr<ByteSource> raw)
        : raw_(std::move(raw)), buffer_(input_bytes), zstd_(ZSTD_createDStream()) {
        if (zstd_ == nullptr) throw Error(ErrorCode::out_of_memory, "reading zstd: libzstd could not be set up");
    }
    ~ZstdBytes() override { ZSTD_freeDStream(zstd_); }
    ZstdBytes(const ZstdBytes&) = delete;
    ZstdBytes& operator=(const ZstdBytes&) = delete;

    std::size_t read(char* out, std::size_t bytes) override {
        ZSTD_outBuffer output{out, bytes, 0};
        while (output.pos == 0) {
            if (input_.pos == input_.size && !held_back_) {
                input_ = {buffer_.data(), raw_->read(buffer_.data(), buffer_.size()), 0};
                if (input_.size == 0) {
                    if (inside_) throw DamagedData{"the zstd data is cut short"};
                    return 0;
                }
            }
            const std::size_t answer = ZSTD_decompressStream(zstd_, &output, &input_);
            if (ZSTD_isError(answer) != 0)
                throw DamagedData{fmt::format("the zstd data is damaged ({})", ZSTD_getErrorName(answer))};
            inside_ = answer != 0;
            held_back_ = output.pos == output.size;  // there may be more inside than the buffer could take
        }
        return output.pos;
    }

  private:
    std::unique_ptr<ByteSource> raw_;
    std::vector<char> buffer_;
    ZSTD_DStream* zstd_;
    ZSTD_inBuffer input_{nullptr, 0, 0};
    bool inside_ = false;
    bool held_back_ = false;
};

bool is_zstd(std::string_view head) {
    if (head.size() < 4) return false;
    if (head == std::string_view("\x28\xb5\x2f\xfd", 4)) return true;
    // A skippable frame: zstd's tools write one before parallel frames.
    return head.substr(1) == std::string_view("\x2a\x4d\x18", 3) &&
           (static_cast<unsigned char>(head[0]) & 0xf0U) == 0x50U;
}

}  // namespace

std::unique_ptr<ByteSource> read_descriptor(int descriptor, bool owned, std::string name, std::uint64_t& count) {
    return std::make_unique<DescriptorBytes>(descriptor, owned, std::move(name), count);
}

std::unique_ptr<ByteSource> read_stream(std::istream& stream, std::string name, std::uint64_t& count) {
    return std::make_unique<StreamBytes>(stream, std::move(name), count);
}

std::unique_ptr<ByteSource> decoded(std::unique_ptr<ByteSource> raw) {
    std::string head(4, '\0');
    std::size_t bytes = 0;
    while (bytes < head.size()) {
        const std::size_t got = raw->read(head.data() + bytes, head.size() - bytes);
        if (got == 0) break;
        bytes += got;
    }
    head.resize(bytes);
    const bool gzip = head.size() >= 2 && head.compare(0, 2, "\x1f\x8b") == 0;
    const bool zstd = is_zstd(head);
    auto whole = std::make_unique<Peeked>(std::move(head), std::move(raw));
    if (gzip) return std::make_unique<GzipBytes>(std::move(whole));
    if (zstd) return std::make_unique<ZstdBytes>(std::move(whole));
    return whole;
}

}  // namespace daybook::interchange
