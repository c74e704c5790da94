// Ed25519 over the bytes of Head::to_line(), by libcrypto's EVP interface. The signature is base64 without
// line breaks.
#include <daybook/store/head_signature.hpp>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include <daybook/event/error.hpp>

namespace daybook {
namespace {

constexpr std::string_view signature_mark = " sig=";
constexpr std::size_t signature_bytes = 64;                   // RFC 8032: Ed25519
constexpr std::size_t signature_text_bytes = 88;              // base64 of 64 bytes
constexpr std::size_t pem_bytes_max = std::size_t{64} << 10;  // a key is about 120 bytes

struct Release {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Bio = std::unique_ptr<BIO, Release>;
using Key = std::unique_ptr<EVP_PKEY, Release>;
using Context = std::unique_ptr<EVP_MD_CTX, Release>;

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// An encrypted key must be an error, not a question at the terminal: OpenSSL would ask there without a
// callback.
int no_password(char*, int, int, void*) noexcept {
    return -1;
}

[[noreturn]] void refuse_key(std::string_view kind, std::string_view why) {
    ERR_clear_error();
    throw Error(ErrorCode::invalid_argument, fmt::format("read the {} key: {}", kind, why));
}

Key read_key(std::string_view pem, bool is_private) {
    const std::string_view kind = is_private ? "private" : "public";
    if (pem.size() > pem_bytes_max)
        refuse_key(kind, fmt::format("{} bytes are more than the {} that a key may have", pem.size(), pem_bytes_max));
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!bio) throw Error(ErrorCode::out_of_memory, fmt::format("read the {} key: no memory", kind));
    Key key(is_private ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)
                       : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr));
    if (!key && is_private)
        refuse_key(kind, "not an unencrypted private key in PEM: make one with `openssl genpkey -algorithm ed25519`");
    if (!key)
        refuse_key(kind,
                   "not a public key in PEM: take it from the private one with `openssl pkey -in KEY.pem -pubout`");
    if (EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519)
        refuse_key(kind, "it is a key of another kind, Ed25519 is needed: `openssl genpkey -algorithm ed25519`");
    return key;
}

std::string to_base64(const std::array<unsigned char, signature_bytes>& bytes) {
    std::array<unsigned char, signature_text_bytes + 1> text{};
    const int length = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
    return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

// Only the one spelling that to_base64() writes: a line must not have two forms.
std::optional<std::array<unsigned char, signature_bytes>> from_base64(std::string_view text) {
    if (text.size() != signature_text_bytes) return std::nullopt;
    std::array<unsigned char, signature_bytes + 2> bytes{};  // EVP_DecodeBlock counts the padding as two bytes
    if (EVP_DecodeBlock(bytes.data(), bytes_of(text), static_cast<int>(text.size())) < 0) return std::nullopt;
    std::array<unsigned char, signature_bytes> signature{};
    std::copy_n(bytes.begin(), signature_bytes, signature.begin());
    if (to_base64(signature) != text) return std::nullopt;
    return signature;
}

Context new_context() {
    Context context(EVP_MD_CTX_new());
    if (!context) throw Error(ErrorCode::out_of_memory, "sign or check a head: no memory");
    return context;
}

}  // namespace

std::string sign_head(const Head& head, std::string_view private_key_pem) {
    const Key key = read_key(private_key_pem, true);
    const std::string line = head.to_line();
    const Context context = new_context();
    std::array<unsigned char, signature_bytes> signature{};
    std::size_t length = signature.size();
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &length, bytes_of(line), line.size()) != 1 ||
        length != signature.size()) {
        ERR_clear_error();
        throw Error(ErrorCode::internal, fmt::format("sign the head at seq {}: libcrypto refused", head.seq.value));
    }
    return line + std::string(signature_mark) + to_base64(signature);
}

Head check_signed_head(std::string_view line, std::string_view public_key_pem) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    const std::size_t mark = line.rfind(signature_mark);
    if (mark == std::string_view::npos)
        throw Error(ErrorCode::invalid_argument,
                    "check a signed head: the line has no ` sig=…` at its end; make one with `daybook head "
                    "DB --sign KEY.pem`");
    const std::string_view signed_text = line.substr(0, mark);
    const Head head = Head::from_line(signed_text);
    const auto signature = from_base64(line.substr(mark + signature_mark.size()));
    if (!signature)
        throw Error(ErrorCode::invalid_argument, "check a signed head: what follows `sig=` is not 64 bytes in base64");
    const Key key = read_key(public_key_pem, false);
    const Context context = new_context();
    const bool fits = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                      EVP_DigestVerify(context.get(), signature->data(), signature->size(), bytes_of(signed_text),
                                       signed_text.size()) == 1;
    if (!fits) {
        ERR_clear_error();
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("check a signed head: the signature does not fit the head at seq {}: the line was changed, "
                        "or another key signed it",
                        head.seq.value));
    }
    return head;
}

}  // namespace daybook
