#include "event/json_schema.hpp"

#include <fstream>
#include <stdexcept>

// The library is not free of the warnings that we treat as errors.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

namespace daybook {
namespace {

nlohmann::json read_schema(std::string_view file) {
    const std::string path = std::string(DAYBOOK_SCHEMA_DIR) + "/" + std::string(file);
    std::ifstream stream(path);
    if (!stream) throw std::runtime_error("no schema " + path);
    return nlohmann::json::parse(stream);
}

}  // namespace

std::string schema_faults(std::string_view name, std::string_view json) {
    using Adapter = valijson::adapters::NlohmannJsonAdapter;
    const nlohmann::json text = read_schema(std::string(name) + ".schema.json");
    const auto fetch = [](const std::string& uri) -> const nlohmann::json* {
        return new nlohmann::json(read_schema(std::string_view(uri).substr(uri.rfind('/') + 1)));
    };
    const auto free = [](const nlohmann::json* document) { delete document; };

    valijson::Schema schema;
    valijson::SchemaParser parser;
    parser.populateSchema(Adapter(text), schema, fetch, free);

    const nlohmann::json value = nlohmann::json::parse(json);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema, Adapter(value), &results)) return {};
    std::string faults;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
        for (const std::string& step : error.context) faults += step;
        faults += ": " + error.description + "\n";
    }
    return faults;
}

}  // namespace daybook
