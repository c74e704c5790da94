#include "store/reader_pool.hpp"

#include <exception>
#include <utility>

#include <daybook/event/error.hpp>

#include "event/process_mark.hpp"
#include "store/id_tail.hpp"
#include "store/name_tail.hpp"
#include "store/text_map.hpp"

namespace daybook {

struct ReaderPool::Reader {
    explicit Reader(std::unique_ptr<Connection> opened) : connection(std::move(opened)) {}

    std::unique_ptr<Connection> connection;  // declared first: statements die before their connection
    // Each text has as many statements as were ever used at once.
    TextMap<std::vector<std::unique_ptr<Statement>>> statements;
};

ReaderPool::ReaderPool(Factory factory, std::size_t idle_connections_max)
    : factory_(std::move(factory)),
      idle_connections_max_(idle_connections_max),
      process_(process_mark()),
      name_tail_(std::make_unique<NameTail>()),
      id_tail_(std::make_unique<IdTail>()) {}

ReaderPool::~ReaderPool() {
    if (process_mark() == process_) return;
    // A SQLite connection must not cross fork(), not even to be closed: the child leaves it alone.
    for (auto& reader : idle_) static_cast<void>(reader.release());
}

ReaderPool::Lease ReaderPool::borrow() {
    if (process_mark() != process_)
        throw Error(ErrorCode::wrong_process,
                    "read from a store that was opened before fork(): open it again in this process");
    {
        const std::lock_guard lock(mutex_);
        if (closed_) throw Error(ErrorCode::closed, "read from a store that was closed");
        if (!idle_.empty()) {
            auto reader = std::move(idle_.back());
            idle_.pop_back();
            return Lease(*this, std::move(reader));
        }
    }
    return Lease(*this, std::make_unique<Reader>(factory_()));
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader, bool healthy) noexcept {
    if (!healthy) return;  // closed here: a new connection tells more surely what is wrong
    const std::lock_guard lock(mutex_);
    if (closed_ || idle_.size() >= idle_connections_max_) return;
    try {
        idle_.push_back(std::move(reader));
    } catch (const std::exception&) {  // out of memory: the connection is closed instead
    }
}

void ReaderPool::close() noexcept {
    std::vector<std::unique_ptr<Reader>> closing;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        closing.swap(idle_);
    }
    if (process_mark() == process_) return;
    for (auto& reader : closing) static_cast<void>(reader.release());
}

std::size_t ReaderPool::idle_connections() const {
    const std::lock_guard lock(mutex_);
    return idle_.size();
}

ReaderPool::Lease::Lease(ReaderPool& pool, std::unique_ptr<Reader> reader) noexcept
    : pool_(&pool), reader_(std::move(reader)), exceptions_at_birth_(std::uncaught_exceptions()) {}

ReaderPool::Lease::Lease(Lease&&) noexcept = default;

ReaderPool::Lease::~Lease() {
    if (!reader_) return;
    if (process_mark() != pool_->process_) {  // see ~ReaderPool
        static_cast<void>(reader_.release());
        return;
    }
    for (auto& [sql, statements] : reader_->statements)
        for (auto& statement : statements) statement->reset();
    reader_->connection->rollback();
    // A rollback needs memory: a connection that is left in its snapshot would keep -wal from being begun anew.
    const bool ended = !reader_->connection->in_transaction();
    pool_->give_back(std::move(reader_), ended && std::uncaught_exceptions() == exceptions_at_birth_);
}

Connection& ReaderPool::Lease::connection() noexcept {
    return *reader_->connection;
}

Statement& ReaderPool::Lease::statement(std::string_view sql, std::size_t instance) {
    auto found = reader_->statements.find(sql);
    if (found == reader_->statements.end()) found = reader_->statements.try_emplace(std::string(sql)).first;
    auto& statements = found->second;
    while (statements.size() <= instance) statements.push_back(std::make_unique<Statement>(*reader_->connection, sql));
    return *statements[instance];
}

ReadTransaction::ReadTransaction(ReaderPool::Lease& lease) : lease_(lease) {
    lease_.statement("BEGIN").run();
}

ReadTransaction::~ReadTransaction() {
    lease_.connection().rollback();
}

}  // namespace daybook
