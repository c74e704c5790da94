// Handlers: code that reacts to committed events, and what it is given while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/store/append.hpp>

namespace daybook {

class PostedEvent;

enum class HandlerMode : std::uint8_t {
    in_line,  ///< on the emitting thread, before emit() returns
    pool,     ///< on a worker thread of the bus
};

struct HandlerOptions {
    /// Identifies it in results and to recovery; unique on its bus. Default: `pattern#n`, which cannot be
    /// recovered.
    std::string name{};
    HandlerMode mode = HandlerMode::in_line;
    /// Whether recover() may run it again for an event whose outcome was lost. Named handlers only. Default:
    /// true.
    bool recoverable = true;
};

struct EmitOptions {
    /// Of the event's stream (emit_all: of the first event's stream), before this append.
    ExpectedVersion expected = ExpectedVersion::any();
    /// Further checks, of any streams.
    std::vector<StreamExpectation> expectations{};
    /// In a handler: do not link the event to the one that is being handled.
    bool detached = false;
};

/// What an emit came to.
struct Emitted {
    Event event;
    /// For each of this bus's handlers of the event, in registration order: its last row. `pending` while it
    /// is queued, and when the disk refused its outcome.
    std::vector<EventResult> results;
    /// The event was in the log before, with the same id and content: nothing was written and no handler
    /// called.
    bool already_appended = false;
    /// Why outcomes are not in the log although their handlers ran. The event stands; the bus tries again
    /// with the next outcomes, pump() and close(). Empty: they are in the log.
    std::string outcome_error{};

    /// The row of `handler`, or null.
    [[nodiscard]] const EventResult* result_of(std::string_view handler) const noexcept;
};

/// Given to a handler while it runs. Thread-safety: the handler's own thread only. Do not keep it.
class HandlerContext {
  public:
    struct Impl;
    explicit HandlerContext(Impl& impl) noexcept : impl_(impl) {}
    HandlerContext(const HandlerContext&) = delete;
    HandlerContext& operator=(const HandlerContext&) = delete;

    [[nodiscard]] const Event& event() const noexcept;
    [[nodiscard]] std::string_view bus() const noexcept;
    [[nodiscard]] std::string_view handler() const noexcept;
    /// 1, or more when it is being recovered.
    [[nodiscard]] std::uint32_t attempt() const noexcept;
    /// As EventBus::emit() and post() of this bus: linked to event() unless options.detached.
    /// Throws Error: invalid_argument - on another thread than the handler's; and as they do.
    Emitted emit(NewEvent event, EmitOptions options = {});
    PostedEvent post(NewEvent event, EmitOptions options = {});

  private:
    Impl& impl_;
};

/// What every handler is turned into: returns JSON text, or nothing.
using HandlerFunction = std::function<std::optional<std::string>(const Event&, HandlerContext&)>;

namespace detail {

[[nodiscard]] std::string handler_result_text(const nlohmann::json& value);

template <typename T>
struct is_optional : std::false_type {};
template <typename T>
struct is_optional<std::optional<T>> : std::true_type {};
template <typename>
inline constexpr bool always_false = false;

template <typename R>
[[nodiscard]] std::optional<std::string> to_result_text(R&& value) {
    using Value = std::remove_cvref_t<R>;
    if constexpr (std::is_same_v<Value, nlohmann::json>) {
        return handler_result_text(value);
    } else if constexpr (std::is_same_v<Value, std::string>) {
        return std::forward<R>(value);
    } else if constexpr (is_optional<Value>::value) {
        if (!value) return std::nullopt;
        return to_result_text(*std::forward<R>(value));
    } else {
        static_assert(always_false<R>,
                      "a handler returns nothing, nlohmann::json, std::string (JSON text) or std::optional of these");
    }
}

template <typename F, typename... Arguments>
[[nodiscard]] std::optional<std::string> call_handler(F& function, Arguments&... arguments) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Arguments&...>>) {
        std::invoke(function, arguments...);
        return std::nullopt;
    } else {
        return to_result_text(std::invoke(function, arguments...));
    }
}

}  // namespace detail

/// `function` takes (const Event&) or (const Event&, HandlerContext&) and returns nothing, nlohmann::json,
/// std::string holding JSON, or std::optional of these. What is not JSON becomes an `error` outcome.
template <typename F>
[[nodiscard]] HandlerFunction make_handler(F function) {
    if constexpr (std::is_same_v<F, HandlerFunction>) {
        return function;
    } else {
        return [function = std::move(function)](
                   const Event& event, [[maybe_unused]] HandlerContext& context) mutable -> std::optional<std::string> {
            if constexpr (std::is_invocable_v<F&, const Event&, HandlerContext&>) {
                return detail::call_handler(function, event, context);
            } else {
                static_assert(std::is_invocable_v<F&, const Event&>,
                              "a handler takes (const Event&) or (const Event&, HandlerContext&)");
                return detail::call_handler(function, event);
            }
        };
    }
}

/// Ends a handler's registration when it is destroyed, unless release()d. May outlive its bus.
/// Thread-safety: one thread at a time.
class Registration {
  public:
    struct Impl;
    Registration() noexcept = default;
    explicit Registration(std::shared_ptr<Impl> impl) noexcept;
    Registration(Registration&&) noexcept = default;
    Registration& operator=(Registration&&) noexcept;
    ~Registration();

    /// The handler's name on its bus; empty for a default-constructed one.
    [[nodiscard]] std::string_view name() const noexcept;
    /// Unregisters now; see EventBus::off(). Again: nothing.
    void off() noexcept;
    /// Leaves the handler registered for the bus's life.
    void release() noexcept;

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace daybook
