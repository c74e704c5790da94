// Where failures of memory may strike: inside of what is tested, and not in the test or in the machine that it simulates.
#pragma once

namespace daybook::simulation {

/// Read by whoever makes allocations fail. Thread-safety: each thread has its own.
inline thread_local bool is_exposed = false;

class Exposure {
  public:
    explicit Exposure(bool exposed) noexcept : before_(is_exposed) { is_exposed = exposed; }
    ~Exposure() { is_exposed = before_; }
    Exposure(const Exposure&) = delete;
    Exposure& operator=(const Exposure&) = delete;

  private:
    const bool before_;
};

/// While it lives, the thread runs what is tested.
struct Exposed : Exposure {
    Exposed() noexcept : Exposure(true) {}
};

/// While it lives, the thread runs what must not fail.
struct Sheltered : Exposure {
    Sheltered() noexcept : Exposure(false) {}
};

}  // namespace daybook::simulation
