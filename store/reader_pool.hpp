// Lends reading connections: each to one borrower at a time, with its prepared statements kept from loan to
// loan.
//
// It does not know how a database is opened: a factory makes the connections (store/opening.hpp). Used by
// cursors, readers and subscriptions; the console, verify and backup open connections of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/connection.hpp"

namespace daybook {

class IdTail;
class NameTail;

/// Thread-safety: safe from any thread; a Lease is used by one thread at a time and must not outlive its
/// pool.
class ReaderPool {
  public:
    using Factory = std::function<std::unique_ptr<Connection>()>;

    class Lease;

    /// Makes no connection yet. `idle_connections_max`: how many stay open while nobody borrows them.
    explicit ReaderPool(Factory factory, std::size_t idle_connections_max = 4);
    ~ReaderPool();
    ReaderPool(const ReaderPool&) = delete;
    ReaderPool& operator=(const ReaderPool&) = delete;

    /// An idle connection, or a new one. Never waits for another borrower.
    /// Throws Error: closed; wrong_process - after fork(); and what the factory throws.
    [[nodiscard]] Lease borrow();
    /// Closes idle connections; lent ones are closed when they come back. borrow() throws `closed` from now
    /// on.
    void close() noexcept;
    [[nodiscard]] std::size_t idle_connections() const;

  private:
    struct Reader;
    void give_back(std::unique_ptr<Reader> reader, bool healthy) noexcept;

    const Factory factory_;
    const std::size_t idle_connections_max_;
    const std::uint64_t process_;  // process_mark()
    const std::unique_ptr<NameTail> name_tail_;
    const std::unique_ptr<IdTail> id_tail_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Reader>> idle_;  // guarded by mutex_; the last returned is lent first
    bool closed_ = false;                        // guarded by mutex_
};

/// A borrowed connection; goes back when it dies, every statement reset and no transaction open.
class ReaderPool::Lease {
  public:
    Lease(ReaderPool& pool, std::unique_ptr<Reader> reader) noexcept;
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    [[nodiscard]] Connection& connection() noexcept;
    /// The statement for `sql`, prepared once for each connection. The same text can be had several times at
    /// once under different `instance` numbers. It is reset when the lease ends; reset it earlier to bind
    /// anew.
    [[nodiscard]] Statement& statement(std::string_view sql, std::size_t instance = 0);
    /// What all borrowers know of the end of the log.
    [[nodiscard]] NameTail& name_tail() const noexcept { return *pool_->name_tail_; }
    [[nodiscard]] IdTail& id_tail() const noexcept { return *pool_->id_tail_; }

  private:
    ReaderPool* pool_;
    std::unique_ptr<Reader> reader_;
    int exceptions_at_birth_;
};

/// A read transaction around several statements, so that they see one state. Ends with its scope; never
/// throws then.
class ReadTransaction {
  public:
    explicit ReadTransaction(ReaderPool::Lease& lease);
    ~ReadTransaction();
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;

  private:
    ReaderPool::Lease& lease_;
};

}  // namespace daybook
