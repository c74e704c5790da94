// A connection on which nothing outside one state database can be reached, and nothing that gives another answer on
// another day: the authorizer, the refused functions and the date functions of state databases.
#pragma once

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/clock.hpp>
#include <daybook/store/state_database.hpp>

#include "store/connection.hpp"
#include "store/state_clock.hpp"

namespace daybook {

struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Who is speaking to the database: decides what the authorizer lets pass.
enum class StateSpeaker : std::uint8_t { daybook, projection, query };

/// Thread-safety: one thread at a time; interrupt() from any.
class StateConnection {
  public:
    StateConnection(const std::string& path, bool create, const StateDatabaseOptions& options);
    ~StateConnection();
    StateConnection(const StateConnection&) = delete;
    StateConnection& operator=(const StateConnection&) = delete;

    /// Speaks as `speaker` for a scope. Statements may be prepared again while they run, so it must span both.
    class Speaking {
      public:
        Speaking(StateConnection& connection, StateSpeaker speaker) noexcept
            : connection_(connection), before_(std::exchange(connection.speaker_, speaker)) {
            connection.denied_.clear();
        }
        ~Speaking() { connection_.speaker_ = before_; }
        Speaking(const Speaking&) = delete;
        Speaking& operator=(const Speaking&) = delete;

      private:
        StateConnection& connection_;
        StateSpeaker before_;
    };

    [[nodiscard]] Connection& connection() noexcept { return *connection_; }
    [[nodiscard]] sqlite3* handle() const noexcept { return connection_->handle(); }
    [[nodiscard]] StateClock& clock() noexcept { return clock_; }
    /// What the authorizer said no to last, in words; empty when it did not.
    [[nodiscard]] const std::string& denied() const noexcept { return denied_; }

    /// Ends statements that run past `deadline` (on the options' clock) or once `asked` says so. Both may be empty.
    void watch(std::optional<std::chrono::nanoseconds> deadline, std::function<bool()> asked);
    /// Whether the deadline was what ended the last statement.
    [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }
    [[nodiscard]] std::chrono::nanoseconds steady() { return time_->steady(); }
    void interrupt() noexcept { sqlite3_interrupt(handle()); }

  private:
    struct DateFunction {
        StateConnection* owner = nullptr;
        const char* name = nullptr;
        int modifiers_from = 0;  // index of the first argument that may be a modifier
    };
    static int authorize(void* self, int action, const char* a, const char* b, const char* database,
                         const char* inside);
    static void call_date_function(sqlite3_context* context, int count, sqlite3_value** values);
    static void call_refused_function(sqlite3_context* context, int count, sqlite3_value** values);
    static int on_progress(void* self);
    int deny(std::string what);
    void set_pragmas(bool in_memory);
    void replace_functions();
    [[nodiscard]] sqlite3_stmt* date_statement(const char* name, int arguments);

    StateClock clock_;
    std::shared_ptr<Clock> time_;
    std::unique_ptr<Connection> connection_;
    // The built-in date functions, reached through a second database, because a replaced function hides the original.
    sqlite3* dates_ = nullptr;
    std::map<std::pair<std::string_view, int>, StatementHandle> date_statements_;
    std::array<DateFunction, 6> date_functions_;
    StateSpeaker speaker_ = StateSpeaker::daybook;
    std::string denied_;
    std::optional<std::chrono::nanoseconds> deadline_;
    std::function<bool()> asked_;
    bool timed_out_ = false;
};

}  // namespace daybook
