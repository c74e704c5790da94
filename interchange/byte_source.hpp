// Bytes of a descriptor or a stream, decompressed where their first bytes say so. What line_source.cpp reads from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

namespace daybook::interchange {

/// Compressed data that is damaged or cut short. Internal: line_source.cpp adds source and line to it.
struct DamagedData {
    std::string reason;
};

/// Thread-safety: one thread at a time.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    /// Up to `bytes` bytes into `out`; 0 only at the end. Throws Error: io_error; DamagedData.
    [[nodiscard]] virtual std::size_t read(char* out, std::size_t bytes) = 0;
};

/// Reads `descriptor`; closes it in the end when `owned`. Adds what it reads to `count`.
[[nodiscard]] std::unique_ptr<ByteSource> read_descriptor(int descriptor, bool owned, std::string name,
                                                          std::uint64_t& count);
/// Reads `stream`, which must outlive the source.
[[nodiscard]] std::unique_ptr<ByteSource> read_stream(std::istream& stream, std::string name, std::uint64_t& count);

/// Looks at the first bytes of `raw` and puts a gzip or zstd decoder on it where they ask for one.
[[nodiscard]] std::unique_ptr<ByteSource> decoded(std::unique_ptr<ByteSource> raw);

}  // namespace daybook::interchange
