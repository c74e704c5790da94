// SQLite's own VFS with a switch: from a call on, writes or syncs of -wal or of the database fail as a disk would.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>

namespace daybook::test {

/// Registered under a name of its own while it lives; it must outlive the stores that use it.
class FailingVfs {
  public:
    FailingVfs() : name_("failing-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))) {
        sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
        vfs_ = *real;
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
        vfs_.zName = name_.c_str();
        vfs_.pAppData = this;
        vfs_.xOpen = open;
        real_ = real;
        sqlite3_vfs_register(&vfs_, 0);
    }
    ~FailingVfs() { sqlite3_vfs_unregister(&vfs_); }
    FailingVfs(const FailingVfs&) = delete;
    FailingVfs& operator=(const FailingVfs&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    void fail_wal_writes(int code) { wal_write_ = code; }
    void fail_wal_syncs(int code) { wal_sync_ = code; }
    void fail_database_writes(int code) { database_write_ = code; }
    /// How often -wal was synced.
    [[nodiscard]] int wal_syncs() const { return wal_syncs_; }
    void succeed() { wal_write_ = wal_sync_ = database_write_ = SQLITE_OK; }

  private:
    struct File {
        sqlite3_file base;
        sqlite3_io_methods methods;
        FailingVfs* vfs;
        bool is_wal;
        bool is_database;
    };
    static File* self(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
    static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(self(file) + 1); }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
        auto* const owner = static_cast<FailingVfs*>(vfs->pAppData);
        File* const made = self(file);
        std::memset(made, 0, sizeof(File));
        const int rc = owner->real_->xOpen(owner->real_, path, real(file), flags, out_flags);
        const sqlite3_io_methods* const real_methods = real(file)->pMethods;
        if (rc != SQLITE_OK || real_methods == nullptr) return rc;
        made->vfs = owner;
        made->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
        made->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
        sqlite3_io_methods& methods = made->methods;
        methods.iVersion = 2;
        methods.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
        methods.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
            return real(f)->pMethods->xRead(real(f), to, n, at);
        };
        methods.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
            if (self(f)->is_wal && self(f)->vfs->wal_write_ != SQLITE_OK) return self(f)->vfs->wal_write_.load();
            if (self(f)->is_database && self(f)->vfs->database_write_ != SQLITE_OK)
                return self(f)->vfs->database_write_.load();
            return real(f)->pMethods->xWrite(real(f), from, n, at);
        };
        methods.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); };
        methods.xSync = [](sqlite3_file* f, int how) {
            if (self(f)->is_wal && self(f)->vfs->wal_sync_ != SQLITE_OK) return self(f)->vfs->wal_sync_.load();
            if (self(f)->is_wal) ++self(f)->vfs->wal_syncs_;
            return real(f)->pMethods->xSync(real(f), how);
        };
        methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return real(f)->pMethods->xFileSize(real(f), n); };
        methods.xLock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xLock(real(f), lock); };
        methods.xUnlock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xUnlock(real(f), lock); };
        methods.xCheckReservedLock = [](sqlite3_file* f, int* out) {
            return real(f)->pMethods->xCheckReservedLock(real(f), out);
        };
        methods.xFileControl = [](sqlite3_file* f, int op, void* arg) {
            return real(f)->pMethods->xFileControl(real(f), op, arg);
        };
        methods.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
        methods.xDeviceCharacteristics = [](sqlite3_file* f) {
            return real(f)->pMethods->xDeviceCharacteristics(real(f));
        };
        methods.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
            return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
        };
        methods.xShmLock = [](sqlite3_file* f, int offset, int n, int how) {
            return real(f)->pMethods->xShmLock(real(f), offset, n, how);
        };
        methods.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
        methods.xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); };
        made->base.pMethods = &methods;
        return SQLITE_OK;
    }

    std::string name_;
    sqlite3_vfs vfs_{};
    sqlite3_vfs* real_ = nullptr;
    std::atomic<int> wal_write_{SQLITE_OK};
    std::atomic<int> wal_sync_{SQLITE_OK};
    std::atomic<int> database_write_{SQLITE_OK};
    std::atomic<int> wal_syncs_{0};
};

}  // namespace daybook::test
