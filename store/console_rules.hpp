// What the SQL console lets through: the authorizer, the list of functions, and what can be told from the text alone.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "store/connection.hpp"

namespace daybook {

/// Asked by SQLite while a statement is prepared. Thread-safety: one thread at a time, with its connection.
class ConsoleRules {
  public:
    /// Installs itself on `connection`, lowers its limits and turns triggers off. Must outlive the connection's
    /// statements.
    ConsoleRules(Connection& connection, std::size_t value_bytes_max);
    ConsoleRules(const ConsoleRules&) = delete;
    ConsoleRules& operator=(const ConsoleRules&) = delete;

    /// While false, everything is let through: for the console's own statements.
    void enforce(bool on) noexcept { enforced_ = on; }
    /// What was refused since the last call; empty when nothing was.
    [[nodiscard]] std::string take_refusal();

  private:
    static int ask(void* self, int action, const char* first, const char* second, const char* database,
                   const char* inner);
    int judge(int action, std::string_view first, std::string_view second);

    std::set<std::string, std::less<>> virtual_tables_;  // built into SQLite, lower case, but for those allowed
    std::string refusal_;
    bool enforced_ = false;
};

/// The functions that a statement may use, in lower case.
[[nodiscard]] bool is_allowed_function(std::string_view name);

/// Why a statement is refused by its first words ("CREATE TABLE is refused"); empty when they may begin a query.
[[nodiscard]] std::string refusal_of_first_words(std::string_view sql);

/// Whether nothing but blanks, comments and semicolons is left.
[[nodiscard]] bool is_blank_sql(std::string_view sql);

}  // namespace daybook
