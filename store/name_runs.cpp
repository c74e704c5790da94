#include "store/name_runs.hpp"

#include <fmt/format.h>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

NameSql make_sql(std::string_view runs, std::string_view heads, std::string_view name, std::string_view events) {
    constexpr std::string_view run_columns = "events_before, previous_run";
    return {
        .runs_table = runs,
        .heads_table = heads,
        .find_head = fmt::format("SELECT {}, last_seq FROM {} WHERE {} = ?1", events, heads, name),
        .list_heads =
            fmt::format("SELECT {0}, {1}, last_seq FROM {2} WHERE {0} >= ?1 ORDER BY {0}", name, events, heads),
        .find_run = fmt::format("SELECT {}, seqs FROM {} WHERE run = ?1 AND {} = ?2", run_columns, runs, name),
        .walk_run = fmt::format("SELECT {}, length(seqs) FROM {} WHERE run = ?1 AND {} = ?2", run_columns, runs, name),
        .list_run = fmt::format("SELECT {0}, {1}, seqs FROM {2} WHERE run = ?1 ORDER BY {0}", name, run_columns, runs),
        .run_columns = fmt::format("run, {}, {}, seqs", name, run_columns),
        .head_columns = fmt::format("{}, {}, last_seq", name, events),
    };
}

std::uint64_t seq_at(std::string_view seqs, std::size_t at, const RunLayout& layout, std::uint64_t run) {
    const auto high = static_cast<unsigned char>(seqs[at]);
    const auto low = static_cast<unsigned char>(seqs[at + 1]);
    return layout.first_seq(run) + (std::uint64_t{high} << 8 | low);
}

}  // namespace

const NameSql& sql_of(NameKind kind) {
    static const NameSql streams = make_sql("stream_runs", "stream_heads", "stream", "version");
    static const NameSql types = make_sql("type_runs", "type_heads", "type", "events");
    return kind == NameKind::stream ? streams : types;
}

std::string_view to_string(NameKind kind) noexcept {
    return kind == NameKind::stream ? "stream" : "type";
}

void append_seq(std::string& seqs, const RunLayout& layout, std::uint64_t seq) {
    const std::uint64_t offset = (seq - 1) % layout.run_events;
    const char bytes[] = {static_cast<char>(offset >> 8), static_cast<char>(offset & 0xff)};
    seqs.append(bytes, sizeof bytes);
}

std::uint64_t last_seq(std::string_view seqs, const RunLayout& layout, std::uint64_t run) noexcept {
    return seq_at(seqs, seqs.size() - 2, layout, run);
}

bool read_seqs(std::string_view seqs, const RunLayout& layout, std::uint64_t run, std::vector<std::uint64_t>& to) {
    if (seqs.empty() || seqs.size() % 2 != 0) return false;
    std::uint64_t after = 0;
    for (std::size_t at = 0; at < seqs.size(); at += 2) {
        const std::uint64_t seq = seq_at(seqs, at, layout, run);
        if (seq <= after || seq > layout.last_seq(run)) return false;
        to.push_back(seq);
        after = seq;
    }
    return true;
}

}  // namespace daybook
