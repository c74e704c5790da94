// A SQL projection as it is written: a `.sql` file with headers, an @init part and @on parts. Parsed here,
// run by sql_fold.hpp.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/event/type_pattern.hpp>
#include <daybook/store/state_database.hpp>

namespace daybook {

/// Thread-safety: immutable.
class Projection {
  public:
    /// One `-- @on PATTERNS` part.
    struct Reaction {
        std::vector<TypePattern> patterns;
        SqlScript script;
        [[nodiscard]] bool matches(std::string_view type) const noexcept;
    };

    /// `file` names it in messages. Headers are comments at the beginning of a line: `-- projection: NAME`
    /// and
    /// `-- version: V` come first, then any number of `-- @init` and `-- @on PATTERN, …` parts, in file
    /// order. Throws Error: invalid_projection - file, line and what is wrong; invalid_utf8.
    [[nodiscard]] static Projection parse(std::string_view text, std::string_view file);
    /// Reads a file. Throws Error: no_such_file, permission_denied, too_large (1 MiB), and as parse().
    [[nodiscard]] static Projection load(const std::filesystem::path& path);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& version() const noexcept { return version_; }
    /// SHA-256 of the file's bytes.
    [[nodiscard]] const Digest& source_hash() const noexcept { return source_hash_; }
    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] const std::vector<SqlScript>& init() const noexcept { return init_; }
    [[nodiscard]] const std::vector<Reaction>& reactions() const noexcept { return reactions_; }

  private:
    std::string name_;
    std::string version_;
    std::string file_;
    Digest source_hash_;
    std::vector<SqlScript> init_;
    std::vector<Reaction> reactions_;
};

}  // namespace daybook
