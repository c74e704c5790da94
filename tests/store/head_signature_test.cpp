// Signed heads: what was signed is read back, what was changed or signed by another key is refused.
#include <daybook/store/head_signature.hpp>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include <daybook/event/error.hpp>

namespace {

using namespace daybook;

struct KeyPair {
    std::string private_pem;
    std::string public_pem;
};

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

KeyPair new_keys(EVP_PKEY* key, const char* password = nullptr) {
    REQUIRE(key != nullptr);
    BIO* private_bio = BIO_new(BIO_s_mem());
    BIO* public_bio = BIO_new(BIO_s_mem());
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(private_bio, key, password == nullptr ? nullptr : EVP_aes_256_cbc(), password,
                                          password == nullptr ? 0 : 1, nullptr, nullptr) == 1);
    REQUIRE(PEM_write_bio_PUBKEY(public_bio, key) == 1);
    EVP_PKEY_free(key);
    return {text_of(private_bio), text_of(public_bio)};
}

KeyPair ed25519() {
    return new_keys(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

Head example_head() {
    return {.store_id = *Uuid::parse("0190d5a6-4f7e-7c3a-9d1e-2b3c4d5e6f70"),
            .seq = {42},
            .digest = Digest::from_hex("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
            .result_seq = {7},
            .result_digest = Digest::from_hex("ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100")};
}

std::string refusal(std::string_view line, std::string_view public_pem) {
    try {
        static_cast<void>(check_signed_head(line, public_pem));
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::invalid_argument);
        return error.what();
    }
    return "accepted";
}

std::string signing_refusal(std::string_view private_pem) {
    try {
        static_cast<void>(sign_head(example_head(), private_pem));
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::invalid_argument);
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("signed head: the line is the head's line with a signature at its end", "[head_signature]") {
    const std::string line = sign_head(example_head(), ed25519().private_pem);
    CHECK_THAT(line, Catch::StartsWith(example_head().to_line() + " sig="));
    CHECK(line.size() == example_head().to_line().size() + 5 + 88);
}

TEST_CASE("signed head: the public key reads the same head back", "[head_signature]") {
    const KeyPair keys = ed25519();
    CHECK(check_signed_head(sign_head(example_head(), keys.private_pem), keys.public_pem) == example_head());
}

TEST_CASE("signed head: a newline after the line is no part of it", "[head_signature]") {
    const KeyPair keys = ed25519();
    CHECK(check_signed_head(sign_head(example_head(), keys.private_pem) + "\r\n", keys.public_pem) == example_head());
}

TEST_CASE("signed head: a changed seq is refused", "[head_signature]") {
    const KeyPair keys = ed25519();
    std::string line = sign_head(example_head(), keys.private_pem);
    line.replace(line.find("seq=42"), 6, "seq=43");
    CHECK_THAT(refusal(line, keys.public_pem), Catch::Contains("does not fit the head at seq 43"));
}

TEST_CASE("signed head: a signature of another key is refused", "[head_signature]") {
    const std::string line = sign_head(example_head(), ed25519().private_pem);
    CHECK_THAT(refusal(line, ed25519().public_pem), Catch::Contains("another key signed it"));
}

TEST_CASE("signed head: a signature cut short is refused", "[head_signature]") {
    const KeyPair keys = ed25519();
    std::string line = sign_head(example_head(), keys.private_pem);
    line.resize(line.size() - 4);
    CHECK_THAT(refusal(line, keys.public_pem), Catch::Contains("not 64 bytes in base64"));
}

TEST_CASE("signed head: a second spelling of the same signature is refused", "[head_signature]") {
    const KeyPair keys = ed25519();
    std::string line = sign_head(example_head(), keys.private_pem);
    char& last = line[line.size() - 3];  // carries four bits that no byte takes
    const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    last = alphabet[alphabet.find(last) + 1];
    CHECK_THAT(refusal(line, keys.public_pem), Catch::Contains("not 64 bytes in base64"));
}

TEST_CASE("signed head: a line without a signature says how to make one", "[head_signature]") {
    CHECK_THAT(refusal(example_head().to_line(), ed25519().public_pem), Catch::Contains("--sign KEY.pem"));
}

TEST_CASE("signed head: a private key in the place of the public one is refused", "[head_signature]") {
    const KeyPair keys = ed25519();
    CHECK_THAT(refusal(sign_head(example_head(), keys.private_pem), keys.private_pem),
               Catch::Contains("not a public key in PEM"));
}

TEST_CASE("sign a head: a text that is no key is refused and the command that makes one is named", "[head_signature]") {
    CHECK_THAT(signing_refusal("no key"), Catch::Contains("openssl genpkey -algorithm ed25519"));
}

TEST_CASE("sign a head: a key of another kind is refused", "[head_signature]") {
    CHECK_THAT(signing_refusal(new_keys(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")).private_pem),
               Catch::Contains("Ed25519 is needed"));
}

TEST_CASE("sign a head: an encrypted key is refused without asking for its password", "[head_signature]") {
    const KeyPair keys = new_keys(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), "secret");
    CHECK_THAT(signing_refusal(keys.private_pem), Catch::Contains("not an unencrypted private key"));
}
