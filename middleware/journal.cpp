// The journal's writer; reading a file back is in journal_file.cpp. See the header.
#include "daybook/middleware/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/journal_record.hpp>
#include <daybook/event/posix_file_system.hpp>

#include "event/test_hooks.hpp"
#include "middleware/journal_file.hpp"

namespace daybook {

namespace {

constexpr std::uint64_t writer_lock_byte = 0;

/// `2026-01-31T12:00:00.123456789Z` as a part of a file name: `20260131T120000.123456789Z`.
std::string compact_time(Timestamp time) {
    std::string text = time.to_string();
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == '-' || c == ':'; }), text.end());
    return text;
}

}  // namespace

void JournalOptions::validate() const {
    std::string faults;
    if (path.empty()) faults += "; path is empty";
    if (path.find('\0') != std::string::npos) faults += "; path holds a NUL";
    if (rotate_bytes != 0 && rotate_bytes < 4096) {
        faults += fmt::format("; rotate_bytes is {}, allowed are 0 and 4096 or more", rotate_bytes);
    }
    if (buffer_bytes_max < 4096 || buffer_bytes_max > (std::size_t{256} << 20)) {
        faults += fmt::format("; buffer_bytes_max is {}, allowed are 4096 to 268435456", buffer_bytes_max);
    }
    if (lock_retry < std::chrono::milliseconds(0) || lock_retry > std::chrono::hours(1)) {
        faults += fmt::format("; lock_retry is {} ms, allowed are 0 to 3600000", lock_retry.count());
    }
    if (!faults.empty()) throw Error(ErrorCode::invalid_argument, "set up a journal: " + faults.substr(2));
}

struct JournalMiddleware::Impl {
    explicit Impl(JournalOptions given) : options(std::move(given)), name("journal:" + options.path) {
        if (!options.files) options.files = std::make_shared<PosixFileSystem>();
        if (!options.clock) options.clock = std::make_shared<SystemClock>();
    }

    JournalOptions options;
    std::string name;

    // All below is guarded by mutex.
    mutable std::mutex mutex;
    std::unique_ptr<File> lock_file;
    bool locked = false;
    bool opened = false;  // the files were read back: head and header are known, or there is no journal yet
    bool closed = false;
    bool is_new = true;  // it holds nothing and has no position: begin_at() gives it one
    std::optional<std::chrono::nanoseconds> last_try{};
    std::unique_ptr<File> file;  // null: to be begun with `begin`
    JournalHeader begin;         // of the file that is written to
    std::uint64_t good_bytes = 0;
    bool must_cut = false;  // a failed write may have left bytes behind good_bytes
    bool unsynced = false;
    Head written;  // what the files hold
    Head fed;      // what files and buffer hold
    std::string buffer;
    std::uint64_t buffered_records = 0;
    JournalStatus counts;

    void warn(const std::string& message) const noexcept {
        if (!options.on_warning) return;
        try {
            options.on_warning(message);
        } catch (...) {
            return;  // whoever listens must not stop the journal
        }
    }

    /// Takes the lock when it is free, and reads the journal back the first time. False: stands by.
    bool take_over() {
        if (closed) throw Error(ErrorCode::closed, fmt::format("write the journal {}: it was closed", options.path));
        if (opened) return true;
        // Not at every emit: neither the lock nor, after damage was found, the reading.
        const std::chrono::nanoseconds now = options.clock->steady();
        if (last_try && now - *last_try < options.lock_retry) return false;
        const bool first = !last_try;
        last_try = now;
        if (!locked) {
            if (!lock_file) lock_file = options.files->open(options.path + ".lock", OpenMode::create);
            locked = lock_file->try_lock(writer_lock_byte, LockMode::exclusive);
            if (!locked) {
                if (first) {
                    warn(fmt::format("the journal {} is written by another bus{}: standing by", options.path,
                                     holder_text()));
                }
                return false;
            }
            if (!first) warn(fmt::format("the journal {} was let go by its writer: taking over", options.path));
        }
        read_back();
        opened = true;
        return true;
    }

    [[nodiscard]] std::string holder_text() {
        const std::optional<std::int64_t> holder = lock_file->lock_holder(writer_lock_byte);
        return holder && *holder > 0 ? fmt::format(" (process {})", *holder) : std::string();
    }

    void read_back() {
        file.reset();
        is_new = true;
        std::vector<std::string> names = list_journal_files(*options.files, options.path);
        while (!names.empty()) {
            const std::string newest = names.back();
            std::unique_ptr<File> opened_file = options.files->open(newest, OpenMode::read_write);
            const JournalEnd end = scan_journal_file(*opened_file, newest, options.limits, *lock_file);
            if (end.torn_bytes > 0 && !DAYBOOK_PLANTED(journal_tail_kept)) {
                opened_file->truncate(end.good_bytes);
                opened_file->sync();
                counts.torn_bytes += end.torn_bytes;
                warn(
                    fmt::format("the journal file {} ended in lines that a kill or a power loss had left in part: {} "
                                "bytes from byte {} "
                                "on were cut, the log has what they held",
                                newest, end.torn_bytes, end.good_bytes));
            }
            if (!end.header) {
                // A kill while the file was begun: it holds nothing. The one before it says where to go on.
                options.files->remove(newest);
                names.pop_back();
                continue;
            }
            is_new = false;
            written = fed = end.head;
            if (newest == options.path) {
                begin = *end.header;
                file = std::move(opened_file);
                good_bytes = end.good_bytes;
            } else {
                begin = JournalHeader{end.head.store_id, end.head.seq, end.head.digest, end.head.result_seq,
                                      end.head.result_digest};
            }
            return;
        }
    }

    void ensure_file() {
        if (file) return;
        std::unique_ptr<File> made = options.files->open(options.path, OpenMode::create);
        DAYBOOK_KILL_POINT(journal_created);
        if (made->size() > 0) {
            // What a failed attempt of ours leaves: a header that was not made durable, or one that stops short.
            if (scan_journal_file(*made, options.path, options.limits, *lock_file).records > 0) {
                throw Error(ErrorCode::target_exists,
                            fmt::format("begin the journal file {}: somebody else has written there", options.path));
            }
            made->truncate(0);
        }
        const std::string line = encode_journal_record(begin) + "\n";
        made->append(line);
        // Whatever the policy: a file whose beginning a power loss has taken could not be told from a stranger's.
        made->sync();
        if (!DAYBOOK_PLANTED(journal_directory_unsynced)) options.files->sync_directory(directory_of(options.path));
        file = std::move(made);
        good_bytes = line.size();
        note_synced();
        lock_file->sync();  // the mark of an earlier file of this name must not speak for this one
        must_cut = false;
        unsynced = false;
        is_new = false;
    }

    // What lies before is not a torn tail, if it is found damaged. Advice: an old mark only makes more of it one.
    void note_synced() noexcept {
        try {
            lock_file->write_at(0, encode_synced_mark(begin, good_bytes));
        } catch (...) {
            return;
        }
    }

    void rotate() {
        // Whatever the policy: what is rotated is never looked at again when the journal is opened.
        if (unsynced) file->sync();
        unsynced = false;
        options.files->rename_new(options.path, closed_journal_name(options.path, begin));
        DAYBOOK_KILL_POINT(journal_renamed);
        file.reset();
        begin = JournalHeader{written.store_id, written.seq, written.digest, written.result_seq, written.result_digest};
        if (!DAYBOOK_PLANTED(journal_directory_unsynced)) options.files->sync_directory(directory_of(options.path));
        ++counts.rotations;
    }

    void drop_buffer() noexcept {
        buffer.clear();
        buffered_records = 0;
        fed = written;
    }

    void write_out() {
        if (buffer.empty()) return;
        try {
            cut_leftovers();
            const bool holds_records = written.seq != begin.after_seq || written.result_seq != begin.after_result_seq;
            if (file && options.rotate_bytes != 0 && holds_records && good_bytes + buffer.size() > options.rotate_bytes)
                rotate();
            ensure_file();
            must_cut = true;
            DAYBOOK_KILL_POINT(before_journal_append);
            file->append(buffer);
            DAYBOOK_KILL_POINT(after_journal_append);
            unsynced = true;
            if (options.sync == JournalSync::every_flush) {
                file->sync();
                unsynced = false;
            }
            must_cut = false;
        } catch (...) {
            ++counts.failures;
            drop_buffer();
            try {
                cut_leftovers();
            } catch (const std::exception&) {
                must_cut = true;  // the next write tries again before it adds anything
            }
            throw;
        }
        good_bytes += buffer.size();
        if (!unsynced) note_synced();
        written = fed;
        counts.records += buffered_records;
        buffer.clear();
        buffered_records = 0;
    }

    void cut_leftovers() {
        if (!must_cut || !file) return;
        file->truncate(good_bytes);
        must_cut = false;
    }

    /// Renames every file of the journal.
    void set_aside() {
        const std::string suffix = ".diverged-" + compact_time(options.clock->now());
        file.reset();
        for (const std::string& old : list_journal_files(*options.files, options.path)) {
            std::string to = old + suffix;
            for (int again = 2; options.files->exists(to); ++again) to = fmt::format("{}{}-{}", old, suffix, again);
            options.files->rename_new(old, to);
            counts.set_aside.push_back(to);
        }
        options.files->sync_directory(directory_of(options.path));
    }

    /// The whole line with its end, or, without memory, nothing of it: `fed` must not run ahead of the buffer.
    void add(std::string&& line) {
        line += '\n';
        buffer += line;
        ++buffered_records;
    }

    void write_out_if_full() {
        if (buffer.size() >= options.buffer_bytes_max) write_out();
    }

    void require_fed_in_turn(std::string_view what, std::uint64_t number, std::uint64_t last) const {
        if (closed) throw Error(ErrorCode::closed, fmt::format("feed the journal {}: it was closed", options.path));
        if (!opened || is_new) {
            throw Error(ErrorCode::internal, fmt::format("feed the journal {}: it has no position yet", options.path));
        }
        if (number != last + 1) {
            throw Error(ErrorCode::internal,
                        fmt::format("feed the journal {}: {} {} follows {}; it goes on at its position", options.path,
                                    what, number, last));
        }
    }
};

JournalMiddleware::JournalMiddleware(JournalOptions options) {
    options.validate();
    impl_ = std::make_unique<Impl>(std::move(options));
    const std::lock_guard lock(impl_->mutex);
    static_cast<void>(impl_->take_over());
}

JournalMiddleware::~JournalMiddleware() {
    try {
        close();
    } catch (const std::exception&) {
        return;  // close() is there for those who want the error; the log has everything
    }
}

std::string_view JournalMiddleware::name() const noexcept {
    return impl_->name;
}

std::optional<FeedPosition> JournalMiddleware::position() {
    const std::lock_guard lock(impl_->mutex);
    FeedPosition position;
    position.from_head = impl_->options.from_head;
    if (!impl_->take_over()) {
        position.stands_by = true;
        return position;
    }
    position.is_new = impl_->is_new;
    position.head = impl_->written;
    return position;
}

void JournalMiddleware::begin_at(const Head& head, bool diverged) {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->take_over()) {
        throw Error(ErrorCode::busy, fmt::format("begin the journal {}: another bus writes it", impl_->options.path));
    }
    // Another bus that shares this object has begun it meanwhile; what it was fed is passed over.
    if (!diverged && !impl_->is_new) return;
    impl_->drop_buffer();
    if (diverged) {
        const std::size_t before = impl_->counts.set_aside.size();
        impl_->set_aside();
        for (std::size_t index = before; index < impl_->counts.set_aside.size(); ++index) {
            impl_->warn(fmt::format(
                "the journal {} belongs to another history than the log: it was set aside as {} and is begun "
                "anew after seq {}",
                impl_->options.path, impl_->counts.set_aside[index], head.seq.value));
        }
    }
    impl_->file.reset();
    impl_->is_new = true;
    impl_->begin = JournalHeader{head.store_id, head.seq, head.digest, head.result_seq, head.result_digest};
    try {
        impl_->ensure_file();
    } catch (...) {
        ++impl_->counts.failures;
        throw;
    }
    impl_->written = impl_->fed = head;
}

void JournalMiddleware::feed(const Event& event) {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->opened && event.seq <= impl_->fed.seq) return;  // two buses of one store feed one journal
    impl_->require_fed_in_turn("event seq", event.seq.value, impl_->fed.seq.value);
    const std::string tags = tags_to_json(event.tags);
    std::string line = encode_journal_record(view_of(event, tags));
    impl_->add(std::move(line));
    impl_->fed.seq = event.seq;
    impl_->fed.digest = event.digest;
    impl_->write_out_if_full();
}

void JournalMiddleware::feed(const EventResult& result) {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->opened && result.result_seq <= impl_->fed.result_seq) return;
    impl_->require_fed_in_turn("result seq", result.result_seq.value, impl_->fed.result_seq.value);
    std::string line = encode_journal_record(result);
    impl_->add(std::move(line));
    impl_->fed.result_seq = result.result_seq;
    impl_->fed.result_digest = result.digest;
    impl_->write_out_if_full();
}

void JournalMiddleware::flush() {
    const std::lock_guard lock(impl_->mutex);
    impl_->write_out();
}

void JournalMiddleware::close() {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->closed) return;
    impl_->closed = true;
    // The lock goes in any case: another bus may be waiting to take over.
    struct Release {
        Impl& impl;
        ~Release() {
            impl.file.reset();
            impl.lock_file.reset();
            impl.locked = false;
        }
    } const release{*impl_};
    impl_->write_out();
    if (impl_->file && impl_->unsynced && impl_->options.sync != JournalSync::never) {
        impl_->file->sync();
        impl_->unsynced = false;
        impl_->note_synced();
    }
}

JournalStatus JournalMiddleware::status() const {
    const std::lock_guard lock(impl_->mutex);
    JournalStatus status = impl_->counts;
    status.stands_by = !impl_->opened && !impl_->closed;
    status.head = impl_->written;
    status.file_bytes = impl_->file ? impl_->good_bytes : 0;
    return status;
}

std::vector<std::string> JournalMiddleware::files_of(FileSystem& files, const std::string& path) {
    return list_journal_files(files, path);
}

}  // namespace daybook
