// Nothing appears under the target's name before it is whole and durable; what an error leaves is removed.
#include "interchange/export_file.hpp"

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <daybook/event/error.hpp>
#include <daybook/store/log_files.hpp>

namespace daybook::interchange {
namespace {

constexpr std::size_t write_bytes = std::size_t{256} << 10;

class GzipCompressor final : public Compressor {
  public:
    GzipCompressor() {
        if (deflateInit2(&zlib_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw Error(ErrorCode::out_of_memory, "writing gzip: zlib could not be set up");
    }
    ~GzipCompressor() override { deflateEnd(&zlib_); }
    GzipCompressor(const GzipCompressor&) = delete;
    GzipCompressor& operator=(const GzipCompressor&) = delete;

    void add(std::string_view bytes, std::string& out) override { run(bytes, Z_NO_FLUSH, out); }
    void finish(std::string& out) override { run({}, Z_FINISH, out); }

  private:
    void run(std::string_view bytes, int flush, std::string& out) {
        std::array<Bytef, 16384> piece{};
        // zlib reads through a pointer that it does not write to.
        zlib_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
        zlib_.avail_in = static_cast<uInt>(bytes.size());
        do {
            zlib_.next_out = piece.data();
            zlib_.avail_out = static_cast<uInt>(piece.size());
            deflate(&zlib_, flush);
            out.append(reinterpret_cast<const char*>(piece.data()), piece.size() - zlib_.avail_out);
        } while (zlib_.avail_out == 0);
    }
    z_stream zlib_{};
};

class ZstdCompressor final : public Compressor {
  public:
    ZstdCompressor() : zstd_(ZSTD_createCCtx()) {
        if (zstd_ == nullptr) throw Error(ErrorCode::out_of_memory, "writing zstd: libzstd could not be set up");
        ZSTD_CCtx_setParameter(zstd_, ZSTD_c_checksumFlag, 1);
    }
    ~ZstdCompressor() override { ZSTD_freeCCtx(zstd_); }
    ZstdCompressor(const ZstdCompressor&) = delete;
    ZstdCompressor& operator=(const ZstdCompressor&) = delete;

    void add(std::string_view bytes, std::string& out) override { run(bytes, ZSTD_e_continue, out); }
    void finish(std::string& out) override { run({}, ZSTD_e_end, out); }

  private:
    void run(std::string_view bytes, ZSTD_EndDirective directive, std::string& out) {
        ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
        std::vector<char> piece(ZSTD_CStreamOutSize());
        for (;;) {
            ZSTD_outBuffer output{piece.data(), piece.size(), 0};
            const std::size_t left = ZSTD_compressStream2(zstd_, &output, &input, directive);
            if (ZSTD_isError(left) != 0)
                throw Error(ErrorCode::internal, fmt::format("writing zstd: {}", ZSTD_getErrorName(left)));
            out.append(piece.data(), output.pos);
            if (directive == ZSTD_e_end ? left == 0 : input.pos == input.size) return;
        }
    }
    ZSTD_CCtx* zstd_;
};

bool ends_with(const std::string& text, std::string_view ending) {
    return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

std::unique_ptr<Compressor> compressor_for(const std::string& name) {
    if (ends_with(name, ".gz")) return std::make_unique<GzipCompressor>();
    if (ends_with(name, ".zst")) return std::make_unique<ZstdCompressor>();
    return nullptr;
}

ExportFile::ExportFile(FileSystem& files, const std::filesystem::path& database, const std::filesystem::path& target,
                       bool replace, std::string temporary_suffix)
    : files_(files), target_(target.string()), replace_(replace), compressor_(compressor_for(target_)) {
    const auto refuse = [this](ErrorCode code, std::string_view why) {
        throw Error(code, fmt::format("export to '{}': {}", target_, why));
    };
    if (target_.empty() || target.filename().empty()) refuse(ErrorCode::unsupported_path, "it names no file");
    if (is_log_file(database, target))
        refuse(ErrorCode::unsupported_path, "it is one of the log's own files; choose another name");
    std::error_code ignored;
    const auto status = std::filesystem::symlink_status(target, ignored);
    if (std::filesystem::is_symlink(status))
        refuse(ErrorCode::unsupported_path, "it is a symbolic link; name the file itself, or remove the link");
    if (std::filesystem::is_directory(status)) refuse(ErrorCode::unsupported_path, "it is a directory");
    if (std::filesystem::exists(status)) {
        if (!std::filesystem::is_regular_file(status))
            refuse(ErrorCode::unsupported_path, "it is not a regular file; export to '-' (standard output) instead");
        if (!replace_)
            refuse(ErrorCode::target_exists, "it is there already; choose another name, or replace it (--force)");
    }
    const std::filesystem::path directory = target.parent_path();
    if (!directory.empty() && !std::filesystem::is_directory(directory, ignored))
        refuse(ErrorCode::no_such_file, fmt::format("there is no directory {}; make it first", directory.native()));
    const std::string temporary =
        (target.parent_path() / fmt::format(".{}.{}.tmp", target.filename().string(), temporary_suffix)).string();
    file_ = files_.open(temporary, OpenMode::create_new);
    temporary_ = temporary;
}

ExportFile::~ExportFile() {
    if (committed_ || temporary_.empty()) return;
    file_.reset();
    try {
        files_.remove(temporary_);
    } catch (const Error&) {  // what brought us here is the error that counts
    }
}

bool ExportFile::write(std::string_view lines) {
    if (compressor_) {
        compressor_->add(lines, buffer_);
    } else {
        buffer_.append(lines);
    }
    put(false);
    return true;
}

void ExportFile::put(bool all) {
    if (buffer_.empty() || (!all && buffer_.size() < write_bytes)) return;
    file_->append(buffer_);
    buffer_.clear();
}

void ExportFile::commit() {
    if (compressor_) compressor_->finish(buffer_);
    put(true);
    file_->sync();
    file_.reset();
    if (replace_) {
        files_.rename_replace(temporary_, target_);
    } else {
        files_.rename_new(temporary_, target_);
    }
    committed_ = true;
    files_.sync_directory(directory_of(target_));
}

}  // namespace daybook::interchange
