#include "store/wal_index.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

namespace daybook {
namespace {

// The layout is part of SQLite's file format ("WAL-index format", walformat.html): two copies of a header of 48 bytes,
// then the checkpoint's information. All numbers are in the machine's byte order.
constexpr std::size_t header_bytes = 48;
constexpr std::size_t frames_offset = 16;    // mxFrame
constexpr std::size_t backfill_offset = 96;  // nBackfill
constexpr std::size_t marks_offset = 100;    // aReadMark[5]
constexpr std::size_t read_marks = 5;
constexpr std::size_t first_read_lock = 123;  // the lock byte of aReadMark[0]
constexpr int region_bytes = 32'768;

std::uint32_t number_at(const std::array<char, 136>& bytes, std::size_t offset) {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

// Through SQLite's own mapping: a descriptor of ours, when closed, would drop the locks of this process on -shm.
std::optional<std::array<char, 136>> mapped_header(Connection& connection) {
    // An immutable connection has no wal-index; asking SQLite to map one would attach it to a -shm and never let go.
    if (sqlite3_uri_boolean(sqlite3_db_filename(connection.handle(), "main"), "immutable", 0) != 0) return std::nullopt;
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2 ||
        file->pMethods->xShmMap == nullptr)
        return std::nullopt;
    void volatile* region = nullptr;
    const int rc = file->pMethods->xShmMap(file, 0, region_bytes, 0, &region);
    if ((rc & 0xff) != SQLITE_OK && (rc & 0xff) != SQLITE_READONLY) return std::nullopt;
    if (region == nullptr) return std::nullopt;
    std::array<char, 136> bytes{};
    const auto* source = static_cast<const char volatile*>(region);
    for (std::size_t index = 0; index < bytes.size(); ++index) bytes[index] = source[index];
    const bool whole = std::memcmp(bytes.data(), bytes.data() + header_bytes, header_bytes) == 0;
    if (!whole) return std::nullopt;
    return bytes;
}

struct HeldLock {
    std::int64_t process = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

// Lines such as `3: POSIX  ADVISORY  READ 4711 fd:01:262148 123 123`. Found by the file's number, without opening it.
std::optional<std::vector<HeldLock>> locks_on(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    std::ifstream lines("/proc/locks");
    if (!lines) return std::nullopt;
    const std::string wanted =
        fmt::format("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
    std::vector<HeldLock> locks;
    std::string line;
    while (std::getline(lines, line)) {
        if (line.find(wanted) == std::string::npos || line.find("->") != std::string::npos) continue;
        std::array<char, 64> file{};
        long long process = 0;
        unsigned long long first = 0;
        unsigned long long last = 0;
        if (std::sscanf(line.c_str(), "%*s POSIX ADVISORY %*s %lld %63s %llu %llu", &process, file.data(), &first,
                        &last) != 4)
            continue;
        if (wanted != file.data()) continue;
        locks.push_back({process, first, last});
    }
    return locks;
}

}  // namespace

std::optional<WalIndex> read_wal_index(Connection& connection, const std::string& database) {
    const auto header = mapped_header(connection);
    if (!header) return std::nullopt;
    WalIndex index;
    index.frames = number_at(*header, frames_offset);
    index.backfilled = std::min(number_at(*header, backfill_offset), index.frames);
    if (const auto locks = locks_on(database + "-shm")) {
        // This process itself holds a lock on -shm (byte 128) while the connection is open: seeing none means not being told.
        index.readers_known = !locks->empty();
        for (const HeldLock& lock : *locks) {
            // aReadMark[0] is of readers that use the database file alone: they hold nothing back.
            for (std::size_t mark = 1; mark < read_marks; ++mark) {
                const std::uint64_t byte = first_read_lock + mark;
                if (lock.first > byte || lock.last < byte) continue;
                index.readers.push_back({number_at(*header, marks_offset + 4 * mark), lock.process});
            }
        }
        std::sort(index.readers.begin(), index.readers.end(), [](const auto& a, const auto& b) {
            return std::pair(a.frame, a.process) < std::pair(b.frame, b.process);
        });
    }
    return index;
}

}  // namespace daybook
