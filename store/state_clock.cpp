#include "store/state_clock.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {
constexpr sqlite3_int64 unix_epoch_julian_ms = 210'866'760'000'000;  // noon of -4713-11-24 to 1970-01-01T00:00Z
}  // namespace

StateClock::StateClock(const std::string& base) {
    sqlite3_vfs* under = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
    if (under == nullptr)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("open a state database: SQLite knows no VFS \"{}\"", base));
    // The address makes the name unique in this process, and no counter need be shared.
    name_ = fmt::format("daybook-state-{}", static_cast<const void*>(this));
    vfs_.base = under;
    vfs_.clock = this;
    vfs_.iVersion = std::clamp(under->iVersion, 2, 3);
    vfs_.szOsFile = under->szOsFile;
    vfs_.mxPathname = under->mxPathname;
    vfs_.zName = name_.c_str();
    vfs_.xOpen = [](sqlite3_vfs* v, const char* name, sqlite3_file* file, int flags, int* out) {
        return self(v).base->xOpen(self(v).base, name, file, flags, out);
    };
    vfs_.xDelete = [](sqlite3_vfs* v, const char* name, int sync) {
        return self(v).base->xDelete(self(v).base, name, sync);
    };
    vfs_.xAccess = [](sqlite3_vfs* v, const char* name, int flags, int* out) {
        return self(v).base->xAccess(self(v).base, name, flags, out);
    };
    vfs_.xFullPathname = [](sqlite3_vfs* v, const char* name, int bytes, char* out) {
        return self(v).base->xFullPathname(self(v).base, name, bytes, out);
    };
    // No xDlOpen and its kind: a state database loads nothing.
    vfs_.xRandomness = [](sqlite3_vfs* v, int bytes, char* out) {
        return self(v).base->xRandomness(self(v).base, bytes, out);
    };
    vfs_.xSleep = [](sqlite3_vfs* v, int us) { return self(v).base->xSleep(self(v).base, us); };
    vfs_.xGetLastError = [](sqlite3_vfs* v, int bytes, char* out) {
        return self(v).base->xGetLastError == nullptr ? 0 : self(v).base->xGetLastError(self(v).base, bytes, out);
    };
    vfs_.xCurrentTime = [](sqlite3_vfs* v, double* days) {
        sqlite3_int64 ms = 0;
        const int rc = self(v).clock->julian_ms(&ms);
        *days = static_cast<double>(ms) / 86'400'000.0;
        return rc;
    };
    vfs_.xCurrentTimeInt64 = [](sqlite3_vfs* v, sqlite3_int64* ms) { return self(v).clock->julian_ms(ms); };
    if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK)
        throw Error(ErrorCode::out_of_memory, "open a state database: SQLite could not register its VFS");
}

StateClock::~StateClock() {
    sqlite3_vfs_unregister(&vfs_);
}

int StateClock::julian_ms(sqlite3_int64* out) noexcept {
    if (!now_) {
        // SQLite answers NULL when this fails, so who ran the statement has to look at refused().
        refused_ = true;
        return SQLITE_ERROR;
    }
    const std::int64_t ns = now_->ns;
    std::int64_t ms = ns / 1'000'000;
    if (ns % 1'000'000 < 0) --ms;  // towards the past, also before 1970
    *out = unix_epoch_julian_ms + ms;
    return SQLITE_OK;
}

}  // namespace daybook
