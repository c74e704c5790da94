// A file to import that need not be on any disk: JSON Lines that a thread makes while they are read from a pipe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace daybook::bench {

/// The same event again and again, in 1,000 streams at random; each has an id of its own, so that none is taken for another.
class LinePipe {
  public:
    /// So many bytes, and what the last line has more; `at_a_tenth` is called by the thread when a tenth of them is written.
    /// Throws std::runtime_error: no pipe can be had.
    LinePipe(std::uint64_t bytes, std::function<void()> at_a_tenth);
    /// Ends the thread, whether its lines were read or not.
    ~LinePipe();
    LinePipe(const LinePipe&) = delete;
    LinePipe& operator=(const LinePipe&) = delete;

    /// To open and to read to its end, once.
    [[nodiscard]] std::string path() const;
    /// How many there were. Only after they were read: it waits for the thread.
    [[nodiscard]] std::uint64_t lines();

  private:
    void write(std::uint64_t bytes, const std::function<void()>& at_a_tenth);

    int read_end_ = -1;
    int write_end_ = -1;
    std::uint64_t lines_ = 0;
    std::thread writer_;
};

}  // namespace daybook::bench
