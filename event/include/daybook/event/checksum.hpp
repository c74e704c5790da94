// CRC-32 (zlib's), for damage by accident: journal lines, the mark. Against intent there is the digest chain.
#pragma once

#include <cstdint>
#include <string_view>

namespace daybook {

[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept;

}  // namespace daybook
