#include "bench/abxbus.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include <daybook/testkit/temp_directory.hpp>

#include "bench/child.hpp"

namespace daybook::bench {

namespace {

const char* name_of(AbxbusStore store) {
    switch (store) {
        case AbxbusStore::none:
            return "memory";
        case AbxbusStore::jsonl:
            return "jsonl";
        case AbxbusStore::sqlite:
            return "sqlite";
    }
    return "";
}

// The path of Node.js. Throws CannotMeasure: it, or what the store needs, is not there.
std::string find_node(AbxbusStore store) {
    std::string node = find_program("node");
    if (node.empty()) throw CannotMeasure("install nodejs and npm to measure it");
    if (!std::filesystem::exists(DAYBOOK_PEERS_DIRECTORY "/node_modules/abxbus"))
        throw CannotMeasure("run ./dev bench, or npm ci in " DAYBOOK_PEERS_DIRECTORY ", to measure it");
    if (store != AbxbusStore::sqlite) return node;
    try {
        static_cast<void>(output_of({node, "--no-warnings", "--eval", "require('node:sqlite')"}));
    } catch (const std::runtime_error&) {
        throw CannotMeasure("install Node.js 22.13 or newer to measure it: this one has no node:sqlite");
    }
    return node;
}

// Throws std::runtime_error: it did not do what its row says.
void check(const nlohmann::json& said, AbxbusStore store, std::size_t handlers) {
    const auto emitted = said.at("emitted").get<std::uint64_t>();
    require(emitted > 0, "abxbus emitted events");
    require(said.at("handled") == emitted * handlers, "each handler of abxbus got each event");
    require(said.at("stored") == (store == AbxbusStore::none ? 0 : emitted), "the bridge of abxbus kept each event");
    // 2 is FULL. It sets none: what the row says is true as long as SQLite's default is.
    if (store == AbxbusStore::sqlite) require(said.at("synchronous") == 2, "the bridge of abxbus syncs each commit");
}

}  // namespace

double abxbus_emits(AbxbusStore store, std::size_t handlers, Seconds time) {
    const std::string node = find_node(store);
    const testkit::TempDirectory directory;
    const auto said = nlohmann::json::parse(output_of(
        {node, "--no-warnings", DAYBOOK_PEERS_DIRECTORY "/abxbus.js", name_of(store), std::to_string(handlers),
         std::to_string(time.count()), directory.path().string(), std::string(payload)}));
    check(said, store, handlers);
    return said.at("emitted").get<double>() / said.at("seconds").get<double>();
}

}  // namespace daybook::bench
