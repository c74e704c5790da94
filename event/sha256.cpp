#include <daybook/event/sha256.hpp>

#include <openssl/evp.h>

#include <new>
#include <utility>

#include <daybook/event/error.hpp>

namespace daybook {
namespace {

void require(int ok) {
    if (ok != 1) throw Error(ErrorCode::internal, "compute SHA-256: libcrypto refused");
}

// Fetched once for the life of the process: a fetch costs more than hashing a small event.
const EVP_MD* algorithm() {
    static const EVP_MD* const fetched = [] {
        const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
        return sha256 != nullptr ? sha256 : throw std::bad_alloc();
    }();
    return fetched;
}

}  // namespace

struct Sha256::Impl {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    bool is_started = false;

    Impl() {
        if (context == nullptr) throw std::bad_alloc();
    }
    ~Impl() { EVP_MD_CTX_free(context); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void update(const void* bytes, std::size_t size) {
        start();
        const int ok = EVP_DigestUpdate(context, bytes, size);
        is_started = ok == 1;  // what failed must not be a part of the next hash
        require(ok);
    }
    // Late: who hashes once would pay for a second start.
    void start() {
        if (is_started) return;
        require(EVP_DigestInit_ex(context, algorithm(), nullptr));
        is_started = true;
    }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
    impl_->update(bytes.data(), bytes.size());
}

void Sha256::update(std::string_view text) {
    impl_->update(text.data(), text.size());
}

Digest Sha256::finish() {
    impl_->start();
    impl_->is_started = false;
    Digest digest;
    require(EVP_DigestFinal_ex(impl_->context, reinterpret_cast<unsigned char*>(digest.bytes.data()), nullptr));
    return digest;
}

Digest sha256(std::string_view text) {
    Digest digest;
    require(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.bytes.data()), nullptr,
                       algorithm(), nullptr));
    return digest;
}

}  // namespace daybook
