#include <daybook/event/random_source.hpp>

#include <openssl/rand.h>

#include <algorithm>
#include <climits>

#include <daybook/event/error.hpp>

namespace daybook {

void SystemRandom::fill(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t count = std::min<std::size_t>(bytes.size(), INT_MAX);
        if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
            throw Error(ErrorCode::io_error,
                        "draw random bytes: the system's generator gave none; check that /dev/urandom is readable");
        }
        bytes = bytes.subspan(count);
    }
}

}  // namespace daybook
