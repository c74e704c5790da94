#include <daybook/store/append.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace daybook {

bool ExpectedVersion::holds(Version actual) const noexcept {
    switch (kind_) {
        case Kind::any:
            return true;
        case Kind::none:
            return actual.value == 0;
        case Kind::exists:
            return actual.value > 0;
        case Kind::exact:
            return actual == version_;
    }
    return false;
}

std::string ExpectedVersion::to_string() const {
    switch (kind_) {
        case Kind::any:
            return "any";
        case Kind::none:
            return "none";
        case Kind::exists:
            return "exists";
        case Kind::exact:
            return std::to_string(version_.value);
    }
    return "";
}

bool Appended::already_appended() const noexcept {
    return std::none_of(positions.begin(), positions.end(), [](const AppendedEvent& position) {
        return position.outcome == AppendedEvent::Outcome::appended;
    });
}

std::string VersionConflict::message() const {
    std::string text;
    for (const Check& check : failed) {
        if (!text.empty()) text += "; ";
        text += fmt::format("append to '{}' expected version {}, the stream is at {}", check.stream,
                            check.expected.to_string(), check.actual.value);
    }
    if (failed.size() != 1) return text + ": read the streams again and decide again";
    const Check& check = failed.front();
    const bool knew_less =
        check.expected.kind() != ExpectedVersion::Kind::exact || check.expected.version() < check.actual;
    if (check.actual.value == 0) return text + ": the stream has no events";
    if (!knew_less) return text + ": it never was at the expected version; read it again and decide again";
    return fmt::format("{}: read from version {} and decide again", text, check.expected.version().value + 1);
}

std::string IdempotencyConflict::message() const {
    if (!seq)
        return fmt::format(
            "append a batch: some of its ids are in the log already, but event {} ('{}') is not; append the batch as "
            "it was, or "
            "event by event",
            event_index, id);
    return fmt::format("append event {} with id '{}': event {} has that id with another {}; give a new fact a new id",
                       event_index, id, seq->value, difference);
}

}  // namespace daybook
