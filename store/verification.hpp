// One verification under way: what the verifiers of the parts share. They read by SQL of their own, inside one read
// transaction, and report what they find here; verify.cpp puts them in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/store/verify.hpp>

#include "store/connection.hpp"

namespace daybook {

/// Thread-safety: one thread at a time. Keeps references to all that it is given.
class Verification {
  public:
    Verification(Connection& connection, const Uuid& store_id, VerifyReport& report, const VerifyOptions& options);

    [[nodiscard]] Connection& connection() const noexcept { return connection_; }
    [[nodiscard]] const Uuid& store_id() const noexcept { return store_id_; }
    [[nodiscard]] VerifyReport& report() const noexcept { return report_; }

    /// Counts a problem, and keeps it while there are fewer than problems_max.
    void problem(std::string_view code, std::optional<std::uint64_t> seq, std::string_view message);
    /// Says how many rows there are to read in all.
    void expect_rows(std::uint64_t total) noexcept { rows_total_ = total; }
    /// One more row was read. Calls the progress function now and then.
    void row_read();
    /// Calls the progress function a last time.
    void finish();

  private:
    Connection& connection_;
    const Uuid& store_id_;
    VerifyReport& report_;
    const VerifyOptions& options_;
    std::uint64_t rows_total_ = 0;
    std::uint64_t rows_read_ = 0;
};

}  // namespace daybook
