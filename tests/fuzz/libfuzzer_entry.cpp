// libFuzzer's entry: compiled once for each target, which DAYBOOK_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
    daybook::fuzz::DAYBOOK_FUZZ_TARGET({reinterpret_cast<const char*>(data), bytes});
    return 0;
}
