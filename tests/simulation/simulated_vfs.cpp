#include "simulation/simulated_vfs.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <new>
#include <vector>

#include "simulation/exposure.hpp"

namespace daybook::simulation {

namespace {

// The bytes that os_unix.c locks for the five states of a rollback-journal lock, and for the wal-index. Any distinct
// numbers would do.
constexpr std::uint64_t pending_byte = 0x40000000;
constexpr std::uint64_t reserved_byte = pending_byte + 1;
constexpr std::uint64_t shared_byte = pending_byte + 2;
constexpr std::uint64_t shm_byte = pending_byte + 16;

struct OpenFile {
    sqlite3_file base;
    SimulatedVfs* vfs;
    Inode inode;
    SimulatedDisk::Holder holder;
    int lock_level;
    bool maps_shm;
    bool directory_unsynced;  // os_unix.c syncs the directory with the first sync of a journal or -wal
    std::string* delete_on_close;
};

OpenFile* self(sqlite3_file* file) {
    return reinterpret_cast<OpenFile*>(file);
}
SimulatedDisk& disk_of(sqlite3_file* file) {
    return self(file)->vfs->disk();
}

// The machine's own memory does not fail, and nothing may be thrown through SQLite.
template <auto function>
struct Quiet;
template <typename R, typename... Arguments, R (*function)(Arguments...)>
struct Quiet<function> {
    static R call(Arguments... arguments) {
        const Sheltered sheltered;
        return function(arguments...);
    }
};

}  // namespace

struct VfsCalls {
    static SimulatedVfs& vfs_of(sqlite3_vfs* vfs) { return *static_cast<SimulatedVfs*>(vfs->pAppData); }

    // Files ------------------------------------------------------------------------------------------------------

    static int close(sqlite3_file* file) {
        OpenFile& open = *self(file);
        SimulatedDisk& disk = disk_of(file);
        if (open.maps_shm) static_cast<void>(shm_unmap(file, 0));
        disk.unlock_all(open.inode, open.holder);
        if (open.delete_on_close != nullptr) {
            if (!open.delete_on_close->empty() && disk.find(*open.delete_on_close)) disk.unlink(*open.delete_on_close);
            delete open.delete_on_close;
        }
        return SQLITE_OK;
    }

    static int read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
        if (disk_of(file).enter(Call::read)) return SQLITE_IOERR_READ;
        const std::string& content = disk_of(file).content(self(file)->inode);
        const auto from = static_cast<std::size_t>(offset);
        const auto wanted = static_cast<std::size_t>(bytes);
        const std::size_t held = from >= content.size() ? 0 : std::min(wanted, content.size() - from);
        if (held > 0) std::memcpy(to, content.data() + from, held);
        if (held == wanted) return SQLITE_OK;
        std::memset(static_cast<char*>(to) + held, 0, wanted - held);
        return SQLITE_IOERR_SHORT_READ;
    }

    static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
        const auto fault = disk_of(file).enter(Call::write);
        const std::string_view text(static_cast<const char*>(from), static_cast<std::size_t>(bytes));
        if (fault == Fault::short_write || fault == Fault::full_midway)
            disk_of(file).write(self(file)->inode, static_cast<std::uint64_t>(offset), text.substr(0, text.size() / 2));
        if (fault == Fault::disk_full || fault == Fault::full_midway) return SQLITE_FULL;
        if (fault) return SQLITE_IOERR_WRITE;
        disk_of(file).write(self(file)->inode, static_cast<std::uint64_t>(offset), text);
        return SQLITE_OK;
    }

    static int truncate(sqlite3_file* file, sqlite3_int64 bytes) {
        if (disk_of(file).enter(Call::truncate)) return SQLITE_IOERR_TRUNCATE;
        disk_of(file).truncate(self(file)->inode, static_cast<std::uint64_t>(bytes));
        return SQLITE_OK;
    }

    static int sync(sqlite3_file* file, int) {
        if (disk_of(file).enter(Call::sync)) {
            disk_of(file).failed_sync(self(file)->inode);
            return SQLITE_IOERR_FSYNC;
        }
        disk_of(file).sync(self(file)->inode);
        if (self(file)->directory_unsynced) {
            // As os_unix.c: whether that succeeds is not asked.
            if (!disk_of(file).enter(Call::sync_directory)) disk_of(file).sync_directory();
            self(file)->directory_unsynced = false;
        }
        return SQLITE_OK;
    }

    static int file_size(sqlite3_file* file, sqlite3_int64* bytes) {
        if (disk_of(file).enter(Call::size)) return SQLITE_IOERR_FSTAT;
        *bytes = static_cast<sqlite3_int64>(disk_of(file).content(self(file)->inode).size());
        return SQLITE_OK;
    }

    // Locks of the rollback journal --------------------------------------------------------------------------------

    static bool take(sqlite3_file* file, std::uint64_t byte, bool exclusive) {
        return disk_of(file).try_lock(self(file)->inode, byte, self(file)->holder, exclusive);
    }
    static void give(sqlite3_file* file, std::uint64_t byte) {
        disk_of(file).unlock(self(file)->inode, byte, self(file)->holder);
    }

    static int lock(sqlite3_file* file, int level) {
        int& held = self(file)->lock_level;
        if (held >= level) return SQLITE_OK;
        if (disk_of(file).enter(Call::lock)) return SQLITE_IOERR_LOCK;
        if (level == SQLITE_LOCK_SHARED) {
            // Who waits for the exclusive lock keeps new readers out.
            if (disk_of(file).is_locked_by_other(self(file)->inode, pending_byte, self(file)->holder))
                return SQLITE_BUSY;
            if (!take(file, shared_byte, false)) return SQLITE_BUSY;
        } else if (level == SQLITE_LOCK_RESERVED) {
            if (!take(file, reserved_byte, true)) return SQLITE_BUSY;
        } else {
            if (!take(file, pending_byte, true)) return SQLITE_BUSY;
            held = SQLITE_LOCK_PENDING;
            if (!take(file, shared_byte, true)) return SQLITE_BUSY;
        }
        held = level;
        return SQLITE_OK;
    }

    static int unlock(sqlite3_file* file, int level) {
        int& held = self(file)->lock_level;
        if (held <= level) return SQLITE_OK;
        disk_of(file).pass(Call::unlock);
        give(file, pending_byte);
        give(file, reserved_byte);
        give(file, shared_byte);
        if (level == SQLITE_LOCK_SHARED) static_cast<void>(take(file, shared_byte, false));
        held = level;
        return SQLITE_OK;
    }

    static int check_reserved_lock(sqlite3_file* file, int* out) {
        const OpenFile& open = *self(file);
        *out = open.lock_level >= SQLITE_LOCK_RESERVED ||
               disk_of(file).is_locked_by_other(open.inode, reserved_byte, open.holder);
        return SQLITE_OK;
    }

    static int file_control(sqlite3_file* file, int operation, void* argument) {
        OpenFile& open = *self(file);
        switch (operation) {
            case SQLITE_FCNTL_LOCKSTATE:
                *static_cast<int*>(argument) = open.lock_level;
                return SQLITE_OK;
            case SQLITE_FCNTL_HAS_MOVED:
                *static_cast<int*>(argument) = 0;
                return SQLITE_OK;
            case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
                if (*static_cast<int*>(argument) < 0) *static_cast<int*>(argument) = open.vfs->powersafe_overwrite;
                return SQLITE_OK;
            default:
                return SQLITE_NOTFOUND;
        }
    }

    static int sector_size(sqlite3_file*) { return 4096; }
    static int device_characteristics(sqlite3_file* file) {
        return self(file)->vfs->powersafe_overwrite ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
    }

    // The wal-index --------------------------------------------------------------------------------------------------

    static int shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** out) {
        *out = nullptr;
        if (disk_of(file).enter(Call::shm_map)) return SQLITE_IOERR_SHMMAP;
        SimulatedDisk::SharedMemory& shm = disk_of(file).shared_memory(self(file)->inode);
        using Region = std::array<std::byte, 32768>;
        if (bytes != static_cast<int>(sizeof(Region))) return SQLITE_IOERR_SHMMAP;
        shm.users.insert(self(file)->holder);
        self(file)->maps_shm = true;
        const auto index = static_cast<std::size_t>(region);
        if (index >= shm.regions.size()) {
            if (extend == 0) return SQLITE_OK;
            while (shm.regions.size() <= index) shm.regions.push_back(std::make_unique<Region>());
        }
        *out = shm.regions[index]->data();
        return SQLITE_OK;
    }

    static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
        SimulatedDisk& disk = disk_of(file);
        const OpenFile& open = *self(file);
        const auto byte = [&](int slot) { return shm_byte + static_cast<std::uint64_t>(offset + slot); };
        if ((flags & SQLITE_SHM_UNLOCK) != 0) {
            disk.pass(Call::shm_lock);
            for (int slot = 0; slot < count; ++slot) disk.unlock(open.inode, byte(slot), open.holder);
            return SQLITE_OK;
        }
        if (disk.enter(Call::shm_lock)) return SQLITE_IOERR_SHMLOCK;
        for (int slot = 0; slot < count; ++slot) {
            if (disk.try_lock(open.inode, byte(slot), open.holder, (flags & SQLITE_SHM_EXCLUSIVE) != 0)) continue;
            while (slot-- > 0) disk.unlock(open.inode, byte(slot), open.holder);
            return SQLITE_BUSY;
        }
        return SQLITE_OK;
    }

    static void shm_barrier(sqlite3_file*) {}

    static int shm_unmap(sqlite3_file* file, int) {
        SimulatedDisk& disk = disk_of(file);
        OpenFile& open = *self(file);
        SimulatedDisk::SharedMemory& shm = disk.shared_memory(open.inode);
        for (std::uint64_t slot = 0; slot < SQLITE_SHM_NLOCK; ++slot)
            disk.unlock(open.inode, shm_byte + slot, open.holder);
        shm.users.erase(open.holder);
        open.maps_shm = false;
        // The first to come cuts -shm to nothing, because nobody can vouch for what is in it.
        if (shm.users.empty()) shm.regions.clear();
        return SQLITE_OK;
    }

    static int fetch(sqlite3_file*, sqlite3_int64, int, void** out) {
        *out = nullptr;
        return SQLITE_OK;
    }
    static int unfetch(sqlite3_file* file, sqlite3_int64, void*) {
        disk_of(file).pass(Call::unfetch);
        return SQLITE_OK;
    }

    // The directory -----------------------------------------------------------------------------------------------

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
        static const sqlite3_io_methods methods{
            .iVersion = 3,
            .xClose = Quiet<close>::call,
            .xRead = Quiet<read>::call,
            .xWrite = Quiet<write>::call,
            .xTruncate = Quiet<truncate>::call,
            .xSync = Quiet<sync>::call,
            .xFileSize = Quiet<file_size>::call,
            .xLock = Quiet<lock>::call,
            .xUnlock = Quiet<unlock>::call,
            .xCheckReservedLock = Quiet<check_reserved_lock>::call,
            .xFileControl = Quiet<file_control>::call,
            .xSectorSize = Quiet<sector_size>::call,
            .xDeviceCharacteristics = Quiet<device_characteristics>::call,
            .xShmMap = Quiet<shm_map>::call,
            .xShmLock = Quiet<shm_lock>::call,
            .xShmBarrier = Quiet<shm_barrier>::call,
            .xShmUnmap = Quiet<shm_unmap>::call,
            .xFetch = Quiet<fetch>::call,
            .xUnfetch = Quiet<unfetch>::call,
        };
        SimulatedVfs& owner = vfs_of(vfs);
        SimulatedDisk& disk = owner.disk_;
        auto* const made = new (file) OpenFile{};
        if (disk.enter(Call::open)) return SQLITE_CANTOPEN;
        std::optional<Inode> inode = path == nullptr ? std::optional<Inode>(disk.create_unnamed()) : disk.find(path);
        if (!inode) {
            if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
            inode = disk.create(path);
        } else if (path != nullptr && (flags & SQLITE_OPEN_EXCLUSIVE) != 0 && (flags & SQLITE_OPEN_CREATE) != 0) {
            return SQLITE_CANTOPEN;
        }
        made->vfs = &owner;
        made->inode = *inode;
        made->holder = disk.new_holder();
        // Also if it was there: who made it may not have synced its name.
        made->directory_unsynced =
            (flags & SQLITE_OPEN_CREATE) != 0 && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
        if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0)
            made->delete_on_close = new std::string(path == nullptr ? "" : path);
        made->base.pMethods = &methods;
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }

    static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
        SimulatedDisk& disk = vfs_of(vfs).disk_;
        if (disk.enter(Call::remove)) return SQLITE_IOERR_DELETE;
        if (!disk.find(path)) return SQLITE_IOERR_DELETE_NOENT;
        disk.unlink(path);
        if (sync_directory == 0) return SQLITE_OK;
        if (disk.enter(Call::sync_directory)) return SQLITE_IOERR_DIR_FSYNC;
        disk.sync_directory();
        return SQLITE_OK;
    }

    static int access(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
        SimulatedDisk& disk = vfs_of(vfs).disk_;
        if (disk.enter(Call::exists)) return SQLITE_IOERR_ACCESS;
        const std::optional<Inode> inode = disk.find(path);
        // As os_unix.c: a journal of 0 bytes is none.
        *out = inode && (flags != SQLITE_ACCESS_EXISTS || !disk.content(*inode).empty());
        return SQLITE_OK;
    }

    static int full_pathname(sqlite3_vfs*, const char* path, int bytes, char* out) {
        sqlite3_snprintf(bytes, out, "%s", path);
        return SQLITE_OK;
    }

    static int randomness(sqlite3_vfs* vfs, int bytes, char* out) {
        for (int index = 0; index < bytes; ++index) out[index] = static_cast<char>(vfs_of(vfs).dice_.next());
        return bytes;
    }

    static int sleep(sqlite3_vfs* vfs, int microseconds) {
        vfs_of(vfs).disk_.pass(Call::sleep);
        return microseconds;
    }

    static int current_time_int64(sqlite3_vfs*, sqlite3_int64* out) {
        *out = 212'000'000'000'000;  // nobody asks for the time but SQL functions that the store does not use
        return SQLITE_OK;
    }
    static int current_time(sqlite3_vfs*, double* out) {
        *out = 2'453'703.7;
        return SQLITE_OK;
    }
    static int get_last_error(sqlite3_vfs*, int, char*) { return 0; }
};

SimulatedVfs::SimulatedVfs(SimulatedDisk& disk) : disk_(disk) {
    static std::atomic<std::uint64_t> made{0};
    name_ = "simulated-" + std::to_string(++made);
    vfs_.iVersion = 2;
    vfs_.szOsFile = static_cast<int>(sizeof(OpenFile));
    vfs_.mxPathname = 512;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = Quiet<VfsCalls::open>::call;
    vfs_.xDelete = Quiet<VfsCalls::remove>::call;
    vfs_.xAccess = Quiet<VfsCalls::access>::call;
    vfs_.xFullPathname = Quiet<VfsCalls::full_pathname>::call;
    vfs_.xRandomness = Quiet<VfsCalls::randomness>::call;
    vfs_.xSleep = Quiet<VfsCalls::sleep>::call;
    vfs_.xCurrentTime = Quiet<VfsCalls::current_time>::call;
    vfs_.xGetLastError = Quiet<VfsCalls::get_last_error>::call;
    vfs_.xCurrentTimeInt64 = Quiet<VfsCalls::current_time_int64>::call;
    sqlite3_vfs_register(&vfs_, 0);
}

SimulatedVfs::~SimulatedVfs() {
    sqlite3_vfs_unregister(&vfs_);
}

}  // namespace daybook::simulation
