// Reading the data without Daybook, and the imports that several tests share.
#include "source_lines.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <sstream>

#include <zlib.h>

#include <daybook/event/json_nlohmann.hpp>

namespace daybook {
namespace {

std::string unpacked(const std::filesystem::path& path) {
    gzFile file = gzopen(path.c_str(), "rb");
    REQUIRE(file != nullptr);
    std::string text;
    std::vector<char> piece(std::size_t{1} << 20);
    for (;;) {
        const int got = gzread(file, piece.data(), static_cast<unsigned>(piece.size()));
        REQUIRE(got >= 0);
        if (got == 0) break;
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    gzclose(file);
    return text;
}

// Kick-off by match id, ns since the epoch.
std::map<std::string, std::int64_t> kick_offs(const std::filesystem::path& folder) {
    std::map<std::string, std::int64_t> times;
    for (const auto& match : parse_json(unpacked(folder / "matches.json.gz"))) {
        std::string time = match.at("dateutc").get<std::string>();
        time[10] = 'T';
        times[std::to_string(match.at("wyId").get<std::int64_t>())] = Timestamp::parse(time + "Z").ns;
    }
    return times;
}

}  // namespace

std::vector<std::string> source_lines(const std::filesystem::path& path) {
    std::vector<std::string> lines;
    std::istringstream text(unpacked(path));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

std::string without_white_space(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    bool inside = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (!inside && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
        out.push_back(c);
        if (inside && c == '\\') {
            out.push_back(json[++i]);
        } else if (c == '"') {
            inside = !inside;
        }
    }
    return out;
}

std::string value_after(std::string_view json, std::string_view key) {
    const std::string wanted = "\"" + std::string(key) + "\":";
    const std::size_t at = json.find(wanted);
    REQUIRE(at != std::string_view::npos);
    std::string_view value = json.substr(at + wanted.size());
    value = value.substr(0, value.find_first_of(",}]"));
    if (!value.empty() && value.front() == '"') value = value.substr(1, value.size() - 2);
    return std::string(value);
}

EventStore new_store(const std::filesystem::path& path) {
    return EventStore::open(path, {.access = Access::create, .durability = Durability::normal});
}

FieldSource field(std::string_view text) {
    return FieldSource::parse(text);
}

void each_event(const EventStore& store, const std::function<void(const EventView&)>& see) {
    EventCursor cursor = store.read();
    while (const EventView* event = cursor.next()) see(*event);
}

Mapping Football::mapping() {
    return {.type = field("/event/eventName"),
            .stream = field("/event/matchId"),
            .id = field("/event/id"),
            .time = field("/at"),
            .time_unit = TimeUnit::nanoseconds,
            .payload = field("/event"),
            .correlation = field("/event/matchId"),
            .source = field("=wyscout"),
            .tags = {{"period", field("/event/matchPeriod")}}};
}

Football::Football(const std::filesystem::path& folder)
    : lines(source_lines(folder / "events.jsonl.gz")),
      prepared(directory / "football.jsonl"),
      store(new_store(directory / "football.db")) {
    const std::map<std::string, std::int64_t> offsets{
        {"1H", 0}, {"2H", 3600}, {"E1", 7200}, {"E2", 9000}, {"P", 10800}};
    const auto starts = kick_offs(folder);
    std::ofstream out(prepared, std::ios::binary);
    for (const std::string& line : lines) {
        const double second = std::stod(value_after(line, "eventSec"));
        const std::int64_t ns = starts.at(value_after(line, "matchId")) +
                                offsets.at(value_after(line, "matchPeriod")) * 1'000'000'000 +
                                static_cast<std::int64_t>(second * 1e9);
        times.push_back(Timestamp{ns});
        out << "{ \"at\": " << ns << ", \"event\": " << line << " }\n";
    }
    REQUIRE(out.flush().good());
    summary = import_file(store, prepared, {.mapping = mapping()});
}

Football& Football::in(const std::filesystem::path& folder) {
    static Football football(folder);
    return football;
}

std::vector<std::string> temporal_lines(const std::filesystem::path& folder) {
    std::vector<std::string> lines = source_lines(folder / "worker-deployment-v0.jsonl.gz");
    const std::vector<std::string> more = source_lines(folder / "worker-deployment-v1.jsonl.gz");
    lines.insert(lines.end(), more.begin(), more.end());
    return lines;
}

}  // namespace daybook
