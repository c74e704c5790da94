// Events and results as a store would have committed them, and a file system whose disk can be full.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/event/sha256.hpp>
#include <daybook/middleware/middleware.hpp>

namespace daybook::testkit {

inline constexpr std::int64_t noon_ns = 1'769'860'800'000'000'000;

[[nodiscard]] inline Event event_at(std::uint64_t seq, std::string type = "player:moved") {
    Event event;
    event.seq = Sequence{seq};
    event.id = fmt::format("event-{}", seq);
    event.type = std::move(type);
    event.event_version = "1";
    event.stream = "main";
    event.version = Version{seq};
    event.source = "engine";
    event.occurred_at = event.recorded_at = Timestamp{noon_ns + static_cast<std::int64_t>(seq)};
    event.payload = fmt::format("{{\"n\":{}}}", seq);
    event.metadata = "{}";
    event.digest = sha256(fmt::format("event {}", seq));
    return event;
}

[[nodiscard]] inline EventResult result_at(std::uint64_t result_seq, std::uint64_t event_seq,
                                           ResultStatus status = ResultStatus::completed) {
    EventResult result;
    result.result_seq = ResultSequence{result_seq};
    result.event_seq = Sequence{event_seq};
    result.event_id = fmt::format("event-{}", event_seq);
    result.bus = "main";
    result.handler = "h";
    result.status = status;
    result.owner = "owner";
    result.events_head = Sequence{event_seq};
    result.recorded_at = Timestamp{noon_ns + static_cast<std::int64_t>(event_seq)};
    if (is_terminal(status)) {
        result.started_at = Timestamp{noon_ns};
        result.finished_at = Timestamp{noon_ns + 1'500'000};
    }
    result.digest = sha256(fmt::format("result {}", result_seq));
    return result;
}

[[nodiscard]] inline Committed committed(const Event& event, const EmittedBy* by = nullptr) {
    return Committed{.event = event,
                     .pending = {},
                     .bus = "main",
                     .emitted_at = Timestamp{noon_ns - 3'000},
                     .commit_started_at = Timestamp{noon_ns - 2'000},
                     .durable_at = Timestamp{noon_ns + 1'000'000},
                     .emitted_by = by};
}

[[nodiscard]] inline Head head_at(std::uint64_t seq, std::uint64_t result_seq) {
    Head head;
    head.store_id = *Uuid::parse("0190c0de-0000-4000-8000-000000000001");
    head.seq = Sequence{seq};
    if (seq > 0) head.digest = sha256(fmt::format("event {}", seq));
    head.result_seq = ResultSequence{result_seq};
    if (result_seq > 0) head.result_digest = sha256(fmt::format("result {}", result_seq));
    return head;
}

[[nodiscard]] inline std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline void write_contents(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

[[nodiscard]] inline std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    std::istringstream text(contents(path));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

/// The machine's files, with a disk that can be full (after some bytes), fail to sync, and that counts syncs.
class FaultyFiles final : public FileSystem {
  public:
    bool full = false;
    std::size_t bytes_before_full = 0;  ///< of the write that fails: left behind, as by a kill
    bool sync_fails = false;
    int syncs_before_failure = 0;  ///< that still succeed while sync_fails
    int syncs = 0;
    int directory_syncs = 0;

    [[nodiscard]] std::unique_ptr<File> open(const std::string& path, OpenMode mode) override {
        return std::make_unique<FaultyFile>(*this, real_.open(path, mode));
    }
    [[nodiscard]] bool exists(const std::string& path) override { return real_.exists(path); }
    void remove(const std::string& path) override { real_.remove(path); }
    void rename_new(const std::string& from, const std::string& to) override { real_.rename_new(from, to); }
    void rename_replace(const std::string& from, const std::string& to) override { real_.rename_replace(from, to); }
    void sync_directory(const std::string& path) override {
        ++directory_syncs;
        real_.sync_directory(path);
    }
    [[nodiscard]] std::vector<std::string> list(const std::string& directory) override { return real_.list(directory); }
    [[nodiscard]] std::unique_ptr<FileWatch> watch(const std::string& path) override { return real_.watch(path); }

  private:
    class FaultyFile final : public File {
      public:
        FaultyFile(FaultyFiles& world, std::unique_ptr<File> real) : world_(world), real_(std::move(real)) {}
        [[nodiscard]] std::uint64_t size() override { return real_->size(); }
        [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t bytes) override {
            return real_->read_at(offset, bytes);
        }
        void write_at(std::uint64_t offset, std::string_view bytes) override { real_->write_at(offset, bytes); }
        void append(std::string_view bytes) override {
            if (world_.full) {
                real_->append(bytes.substr(0, world_.bytes_before_full));
                throw Error(ErrorCode::disk_full, "append: no space left");
            }
            real_->append(bytes);
        }
        void truncate(std::uint64_t bytes) override { real_->truncate(bytes); }
        void sync() override {
            ++world_.syncs;
            if (world_.sync_fails && world_.syncs_before_failure-- <= 0)
                throw Error(ErrorCode::io_error, "sync: the disk refused");
            real_->sync();
        }
        void touch() override { real_->touch(); }
        [[nodiscard]] bool try_lock(std::uint64_t offset, LockMode mode) override {
            return real_->try_lock(offset, mode);
        }
        void unlock(std::uint64_t offset) override { real_->unlock(offset); }
        [[nodiscard]] bool is_locked_by_other(std::uint64_t offset, std::uint64_t bytes) override {
            return real_->is_locked_by_other(offset, bytes);
        }
        [[nodiscard]] std::optional<std::int64_t> lock_holder(std::uint64_t offset) override {
            return real_->lock_holder(offset);
        }

      private:
        FaultyFiles& world_;
        std::unique_ptr<File> real_;
    };
    PosixFileSystem real_;
};

}  // namespace daybook::testkit
