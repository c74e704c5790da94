#include "bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace daybook::bench {

namespace {

std::vector<double> values_of(const Measured& measured) {
    std::vector<double> values;
    for (const Sample& sample : measured.samples) values.push_back(sample.value());
    return values;
}

double ours_of(const Measured& measured) {
    std::vector<double> values;
    for (const Sample& sample : measured.samples) values.push_back(sample.ours);
    return median(std::move(values));
}

double limit_of(const Measured& measured) {
    std::vector<double> values;
    for (const Sample& sample : measured.samples) values.push_back(*sample.limit);
    return median(std::move(values));
}

// Three digits that count; large numbers with separators.
std::string number(double value) {
    if (value >= 1000) {
        std::string digits = fmt::format("{:.0f}", value);
        for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
            digits.insert(static_cast<std::size_t>(place), ",");
        return digits;
    }
    return fmt::format("{:.3g}", value);
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::met:
            return "met";
        case Verdict::missed:
            return "MISSED";
        case Verdict::stated:
            return "";
        case Verdict::skipped:
            return "skipped";
    }
    return "";
}

std::string goal_of(const Row& row) {
    if (row.goal == Goal::stated) return "stated";
    return fmt::format("{} {}", row.goal == Goal::at_least ? ">=" : "<=", number(row.bound));
}

}  // namespace

Verdict verdict_of(const Measured& measured) {
    if (measured.samples.empty()) return Verdict::skipped;
    if (measured.row->goal == Goal::stated) return Verdict::stated;
    const double value = median(values_of(measured));
    const bool met = measured.row->goal == Goal::at_least ? value >= measured.row->bound : value <= measured.row->bound;
    return met ? Verdict::met : Verdict::missed;
}

bool guard_holds(const Measured& measured) {
    return measured.samples.empty() || !measured.row->guard || median(values_of(measured)) >= *measured.row->guard;
}

std::string table_head() {
    return fmt::format("{:<54} {:>12} {:>12} {:<9} {:>7}  {:<14} {:<9} {}\n", "row", "daybook", "beside it", "unit",
                       "value", "spread", "goal", "verdict");
}

std::string table_line(const Measured& measured) {
    const Row& row = *measured.row;
    const Verdict verdict = verdict_of(measured);
    std::string line;
    if (verdict == Verdict::skipped) {
        line = fmt::format("{:<54} {:>12} {:>12} {:<9} {:>7}  {:<14} {:<9} {}: {}", row.name, "", "", "", "", "",
                           goal_of(row), name_of(verdict), measured.skipped);
    } else {
        const std::vector<double> values = values_of(measured);
        const auto [least, most] = std::minmax_element(values.begin(), values.end());
        const bool is_ratio = measured.samples.front().limit.has_value();
        line = fmt::format("{:<54} {:>12} {:>12} {:<9} {:>7}  {:<14} {:<9} {}", row.name, number(ours_of(measured)),
                           is_ratio ? number(limit_of(measured)) : "", row.unit,
                           is_ratio ? fmt::format("{:.2f}", median(values)) : number(median(values)),
                           is_ratio ? fmt::format("{:.2f}..{:.2f}", *least, *most)
                                    : fmt::format("{}..{}", number(*least), number(*most)),
                           goal_of(row), name_of(verdict));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    line += '\n';
    if (!row.limit.empty()) line += fmt::format("    / {}\n", row.limit);
    return line;
}

std::string to_json(std::string_view machine, const std::vector<Measured>& rows) {
    nlohmann::ordered_json json;
    json["machine"] = nlohmann::ordered_json::parse(machine);
    for (const Measured& measured : rows) {
        nlohmann::ordered_json row;
        row["row"] = measured.row->name;
        if (!measured.row->limit.empty()) row["beside_it"] = measured.row->limit;
        row["unit"] = measured.row->unit;
        if (!measured.samples.empty()) {
            row["daybook"] = ours_of(measured);
            if (measured.samples.front().limit) row["limit"] = limit_of(measured);
            row["value"] = median(values_of(measured));
            row["values"] = values_of(measured);
        } else {
            row["skipped"] = measured.skipped;
        }
        if (measured.row->goal != Goal::stated)
            row[measured.row->goal == Goal::at_least ? "goal_at_least" : "goal_at_most"] = measured.row->bound;
        json["rows"].push_back(std::move(row));
    }
    return json.dump(2) + "\n";
}

}  // namespace daybook::bench
