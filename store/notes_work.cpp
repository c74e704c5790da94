#include "store/notes_work.hpp"

#include <fmt/format.h>

#include <daybook/event/error.hpp>

namespace daybook {

Checkpoint checkpoint_from(const Statement& row, const Uuid& store_id) {
    Checkpoint checkpoint;
    checkpoint.name = std::string(row.text(0));
    checkpoint.head.store_id = store_id;
    checkpoint.head.seq = Sequence{row.unsigned_integer(1)};
    checkpoint.head.digest = row.digest(2);
    checkpoint.head.result_seq = ResultSequence{row.unsigned_integer(3)};
    checkpoint.head.result_digest = row.digest(4);
    checkpoint.updated_at = Timestamp{row.integer(5)};
    return checkpoint;
}

void CheckpointWork::check(LogWriter& writer) {
    const Head& head = checkpoint_.head;
    const auto diverged = [&](std::string_view why) {
        throw Error(
            ErrorCode::history_diverged,
            fmt::format("save checkpoint '{}' at event {} and result {}: {}; begin again from a position of this log",
                        checkpoint_.name, head.seq.value, head.result_seq.value, why));
    };
    if (head.store_id != writer.head().store_id) diverged("it is of another store");
    if (head.seq.value == 0 ? head.digest != Digest{} : writer.event_digest(head.seq) != head.digest)
        diverged("that event is not in this log, or another one has its place");
    if (head.result_seq.value == 0 ? head.result_digest != Digest{}
                                   : writer.result_digest(head.result_seq) != head.result_digest)
        diverged("that result is not in this log, or another one has its place");

    Statement& find = writer.statement(
        "SELECT name, seq, digest, result_seq, result_digest, updated_at FROM checkpoints WHERE name = ?");
    const ResetGuard guard(find);
    find.bind(1, std::string_view(checkpoint_.name));
    std::optional<Checkpoint> kept;
    if (find.step()) kept = checkpoint_from(find, head.store_id);
    // Positions are compared, not times: saving the same position again changes nothing that another keeper relies on.
    const bool as_expected = expected_ ? kept && kept->head == expected_->head : !kept;
    if (as_expected) return;
    const auto place = [](const std::optional<Checkpoint>& checkpoint) {
        return checkpoint ? fmt::format("at event {} and result {}", checkpoint->head.seq.value,
                                        checkpoint->head.result_seq.value)
                          : std::string("absent");
    };
    throw Error(
        ErrorCode::checkpoint_conflict,
        fmt::format("save checkpoint '{}': it is {}, and was expected {}: somebody else keeps it too; load it again",
                    checkpoint_.name, place(kept), place(expected_)));
}

void CheckpointWork::write(LogWriter& writer) {
    Statement& put = writer.statement(
        "INSERT INTO checkpoints (name, seq, digest, result_seq, result_digest, updated_at) VALUES (?1, ?2, ?3, ?4, "
        "?5, ?6)"
        " ON CONFLICT (name) DO UPDATE SET seq = ?2, digest = ?3, result_seq = ?4, result_digest = ?5, updated_at = "
        "?6");
    writer.note_write();
    put.bind(1, std::string_view(checkpoint_.name))
        .bind(2, checkpoint_.head.seq)
        .bind(3, checkpoint_.head.digest)
        .bind(4, checkpoint_.head.result_seq.value)
        .bind(5, checkpoint_.head.result_digest)
        .bind(6, checkpoint_.updated_at);
    put.run();
}

void ImportNameWork::check(LogWriter& writer) {
    Statement& find = writer.statement("SELECT source FROM import_names WHERE name = ?");
    const ResetGuard guard(find);
    find.bind(1, std::string_view(name_));
    is_new_ = !find.step();
    if (!is_new_ && find.text(0) != source_)
        throw Error(ErrorCode::name_taken,
                    fmt::format("import as '{}' from {}: that name was used for {}; choose another import name", name_,
                                source_, find.text(0)));
}

void ImportNameWork::write(LogWriter& writer) {
    if (!is_new_) return;
    Statement& put = writer.statement("INSERT INTO import_names (name, source, first_used) VALUES (?, ?, ?)");
    writer.note_write();
    put.bind(1, std::string_view(name_)).bind(2, std::string_view(source_)).bind(3, now_);
    put.run();
}

}  // namespace daybook
