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

}  // namespace

struct Sha256::Impl {
    // Fetched once an object: an implicit fetch at each start costs more than hashing a small event.
    EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    Impl() {
        if (algorithm == nullptr || context == nullptr) {
            release();
            throw std::bad_alloc();
        }
    }
    ~Impl() { release(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void release() noexcept {
        EVP_MD_CTX_free(context);
        EVP_MD_free(algorithm);
    }
    void start() { require(EVP_DigestInit_ex(context, algorithm, nullptr)); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
    impl_->start();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
    require(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()));
}

void Sha256::update(std::string_view text) {
    require(EVP_DigestUpdate(impl_->context, text.data(), text.size()));
}

Digest Sha256::finish() {
    Digest digest;
    require(EVP_DigestFinal_ex(impl_->context, reinterpret_cast<unsigned char*>(digest.bytes.data()), nullptr));
    impl_->start();
    return digest;
}

Digest sha256(std::string_view text) {
    Digest digest;
    require(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.bytes.data()), nullptr,
                       EVP_sha256(), nullptr));
    return digest;
}

}  // namespace daybook
