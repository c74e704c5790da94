#include <daybook/event/checksum.hpp>

#include <zlib.h>

namespace daybook {

std::uint32_t crc32(std::string_view bytes) noexcept {
    // zlib takes a null pointer for "give me the start value", whatever the length.
    if (bytes.empty()) return 0;
    return static_cast<std::uint32_t>(
        ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

}  // namespace daybook
