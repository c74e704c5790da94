#include "store/event_ids.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <daybook/event/error.hpp>

#include "store/id_tail.hpp"

namespace daybook {

namespace {

bool is_canonical(std::string_view uuid) noexcept {
    return std::none_of(uuid.begin(), uuid.end(), [](char c) { return c >= 'A' && c <= 'F'; });
}

std::optional<Sequence> find_in_runs(ReaderPool::Lease& lease, std::string_view id) {
    Statement& row = lease.statement(find_id_sql);
    const ResetGuard guard(row);
    const IdKey key(id);
    key.bind(row, 1);
    if (!row.step()) return std::nullopt;
    return Sequence{row.unsigned_integer(0)};
}

}  // namespace

IdKey::IdKey(std::string_view id) noexcept : text_(id), uuid_(Uuid::parse(id)) {
    if (uuid_ && !is_canonical(id)) uuid_.reset();
}

void IdKey::bind(Statement& statement, int index) const {
    if (uuid_) {
        statement.bind_blob(index, uuid_->bytes.data(), uuid_->bytes.size());
    } else {
        statement.bind(index, text_);
    }
}

std::string IdKey::id_in(const Statement& row, int column) {
    const int type = sqlite3_column_type(row.handle(), column);
    if (type == SQLITE_TEXT) return std::string(row.text(column));
    Uuid uuid;
    const std::string_view bytes = row.blob(column);
    if (type != SQLITE_BLOB || bytes.size() != uuid.bytes.size())
        throw Error(ErrorCode::corrupt,
                    fmt::format("read event_ids: a row of it has a key of {} bytes that stands for no id: run verify",
                                bytes.size()));
    std::memcpy(uuid.bytes.data(), bytes.data(), bytes.size());
    return uuid.to_string();
}

std::optional<Sequence> find_id(ReaderPool::Lease& lease, std::string_view id) {
    const ReadTransaction transaction(lease);
    if (const auto seq = find_in_runs(lease, id)) {
        if (!has_id(lease.statement(compare_id_sql), *seq, id)) throw_wrong_id(id, *seq);
        return seq;
    }
    const RunLayout layout = read_layout(lease.statement(layout_sql));
    for (const std::uint64_t candidate : lease.id_tail().candidates(lease, layout, id))
        if (has_id(lease.statement(compare_id_sql), Sequence{candidate}, id)) return Sequence{candidate};
    return std::nullopt;
}

bool has_id(Statement& compare_id, Sequence seq, std::string_view id) {
    const ResetGuard guard(compare_id);
    compare_id.bind(1, seq).bind(2, id);
    return compare_id.step();
}

void throw_wrong_id(std::string_view id, Sequence seq) {
    throw Error(
        ErrorCode::corrupt,
        fmt::format("look up the event with id '{}': event_ids leads to event {}, which has another: run verify", id,
                    seq.value));
}

}  // namespace daybook
