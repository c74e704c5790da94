#include "store/id_index.hpp"

#include <algorithm>
#include <utility>

#include "store/event_ids.hpp"

namespace daybook {

IdIndex::IdIndex(Connection& connection)
    : read_id_(connection, find_id_sql),
      compare_id_(connection, compare_id_sql),
      read_last_ids_(connection, last_ids_sql),
      put_id_(connection, put_ids_sql, "id, seq") {}

void IdIndex::start_over() {
    runs_.clear();
    last_old_uuid_.clear();
    last_old_text_.clear();
    const ResetGuard guard(read_last_ids_);
    if (read_last_ids_.step()) {
        if (!read_last_ids_.is_null(0)) last_old_uuid_ = IdKey::id_in(read_last_ids_, 0);
        if (!read_last_ids_.is_null(1)) last_old_text_ = IdKey::id_in(read_last_ids_, 1);
    }
    last_id_ = std::max(last_old_uuid_, last_old_text_);
}

// Most ids are made by time: nothing is asked for one that comes after all others.
std::optional<Sequence> IdIndex::find(std::string_view id) {
    if (id > last_id_) return std::nullopt;
    if (const auto seq = find_recent(id)) return seq;
    if (id > last_old_uuid_ && id > last_old_text_) return std::nullopt;
    const IdKey key(id);
    if (id > (key.is_uuid() ? last_old_uuid_ : last_old_text_)) return std::nullopt;
    const ResetGuard guard(read_id_);
    key.bind(read_id_, 1);
    if (!read_id_.step()) return std::nullopt;
    const Sequence seq{read_id_.unsigned_integer(0)};
    if (!has_id(compare_id_, seq, id)) throw_wrong_id(id, seq);
    return seq;
}

std::optional<Sequence> IdIndex::find_recent(std::string_view id) const noexcept {
    if (id > last_id_) return std::nullopt;
    const std::uint32_t hash = RunIds::hash_of(id);
    for (const RunIds& ids : runs_)
        if (const auto seq = ids.find(id, hash)) return Sequence{*seq};
    return std::nullopt;
}

void IdIndex::add(std::string_view id, std::uint64_t seq, std::uint64_t run) {
    if (id > last_id_) last_id_ = id;
    if (!runs_.empty() && runs_.back().run() == run) {
        runs_.back().add(id, seq);
        return;
    }
    RunIds first_of_run(run);
    first_of_run.add(id, seq);
    runs_.push_back(std::move(first_of_run));
}

void IdIndex::take_back_last() noexcept {
    runs_.back().remove_last();
    if (runs_.back().size() == 0) runs_.pop_back();
}

std::vector<std::uint32_t> IdIndex::complete(std::uint64_t run) {
    const RunIds* const ids = ids_of(run);
    if (ids == nullptr) return {};
    std::vector<std::uint32_t> order = ids->sorted();
    bool is_known[2] = {};
    for (auto index = order.rbegin(); index != order.rend() && !(is_known[0] && is_known[1]); ++index) {
        const std::string_view id = ids->id(*index);
        const bool is_uuid = IdKey(id).is_uuid();
        if (std::exchange(is_known[is_uuid], true)) continue;
        std::string& last = is_uuid ? last_old_uuid_ : last_old_text_;
        if (id > last) last = id;
    }
    return order;
}

bool IdIndex::is_written(std::uint64_t run, std::uint32_t index) {
    const RunIds& ids = *ids_of(run);
    const IdKey key(ids.id(index));
    const ResetGuard guard(read_id_);
    key.bind(read_id_, 1);
    return read_id_.step() && read_id_.unsigned_integer(0) == ids.seq(index);
}

void IdIndex::write(std::uint64_t run, std::span<const std::uint32_t> order) {
    const RunIds& ids = *ids_of(run);
    std::vector<IdKey> keys;
    keys.reserve(order.size());
    for (const std::uint32_t index : order) keys.emplace_back(ids.id(index));
    put_id_.run(order.size(), [&](Statement& put, int parameter, std::size_t row) {
        keys[row].bind(put, parameter);
        put.bind(parameter + 1, ids.seq(order[row]));
    });
}

void IdIndex::drop(std::uint64_t run) noexcept {
    if (!runs_.empty() && runs_.front().run() == run) runs_.pop_front();
}

const RunIds* IdIndex::ids_of(std::uint64_t run) const noexcept {
    const auto found = std::lower_bound(runs_.begin(), runs_.end(), run,
                                        [](const RunIds& ids, std::uint64_t number) { return ids.run() < number; });
    return found == runs_.end() || found->run() != run ? nullptr : &*found;
}

}  // namespace daybook
