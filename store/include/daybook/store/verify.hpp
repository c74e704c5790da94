// Checks a log: integrity of the file, density, monotony, both chains, append-only, results, derived tables.
// It reads by code of its own, not by the writer's, and never writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/store/store_options.hpp>

namespace daybook {

struct VerifyOptions {
    std::optional<Head> head{};                  ///< a head kept elsewhere: the log must still contain it
    std::size_t problems_max = 100;              ///< after so many, the rest is counted only. Default: 100
    StoreOptions store{.access = Access::read};  ///< seams, network override
    /// Called now and then. `done` of `total` rows.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress{};
};

struct VerifyProblem {
    std::string code;                  ///< stable, for example `digest_mismatch`; the list is in docs/operating.md
    std::optional<std::uint64_t> seq;  ///< of the event, or of the result for codes that begin with `result_`
    std::string message;
    bool operator==(const VerifyProblem&) const = default;
};

struct VerifyReport {
    std::uint64_t events = 0;
    std::uint64_t results = 0;
    Head head;
    std::vector<VerifyProblem> problems;
    std::uint64_t problems_total = 0;
    [[nodiscard]] bool ok() const noexcept { return problems_total == 0; }
};

/// Damage is an answer, not an error: also of a file too damaged to open.
/// Throws Error: no_such_file, not_a_daybook, schema_too_new, schema_too_old, unsupported_path, permission_denied, busy.
/// Thread-safety: safe from any thread; opens connections of its own.
[[nodiscard]] VerifyReport verify(const std::filesystem::path& path, VerifyOptions options = {});

}  // namespace daybook
