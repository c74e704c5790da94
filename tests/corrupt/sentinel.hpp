// Code that a file may name and that tells when it was run: a function, a collation and a virtual table, known to every
// connection of this process, so that "runs no code" can be counted.
#pragma once

#include <cstdint>

namespace daybook::corrupttest {

/// While one lives, SQL has the function `ran()` (deterministic and innocuous: SQLite lets a schema call it although
/// trusted_schema is off), the collation `ran`, and the virtual table module `ran`. Each use is counted.
class Sentinel {
  public:
    Sentinel();
    ~Sentinel();
    Sentinel(const Sentinel&) = delete;
    Sentinel& operator=(const Sentinel&) = delete;

    [[nodiscard]] std::uint64_t runs() const;
    void forget();
};

}  // namespace daybook::corrupttest
