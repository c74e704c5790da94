#include <daybook/event/random_source.hpp>

#include <openssl/rand.h>

#include <algorithm>
#include <climits>

#include <daybook/event/error.hpp>

#include "event/process_mark.hpp"

namespace daybook {

namespace {

void draw(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t count = std::min<std::size_t>(bytes.size(), INT_MAX);
        if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
            throw Error(ErrorCode::io_error,
                        "draw random bytes: the system's generator gave none; check that /dev/urandom is readable");
        }
        bytes = bytes.subspan(count);
    }
}

}  // namespace

void SystemRandom::fill(std::span<std::byte> bytes) {
    constexpr std::size_t small_draw_max = 256;
    if (bytes.size() > small_draw_max) return draw(bytes);
    const std::lock_guard lock(mutex_);
    if (drawn_left_ < bytes.size() || drawn_in_ != process_mark()) {
        drawn_left_ = 0;  // if this throws, nothing is drawn
        draw(drawn_);
        drawn_in_ = process_mark();
        drawn_left_ = drawn_.size();
    }
    drawn_left_ -= bytes.size();
    std::copy_n(drawn_.begin() + static_cast<std::ptrdiff_t>(drawn_left_), bytes.size(), bytes.begin());
}

}  // namespace daybook
