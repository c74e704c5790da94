// Signed heads: Ed25519 over Head::to_line(), made where the key is and checked anywhere (libcrypto).
#pragma once

#include <string>
#include <string_view>

#include <daybook/event/position.hpp>

namespace daybook {

/// `head.to_line()` with ` sig=BASE64` at its end. `private_key_pem`: an unencrypted PKCS#8 Ed25519 key
/// (`openssl genpkey -algorithm ed25519`). Throws Error: invalid_argument - not such a key.
[[nodiscard]] std::string sign_head(const Head& head, std::string_view private_key_pem);

/// The head in `line` after its signature was checked. Throws Error: invalid_argument - no signature, not a head line,
/// not an Ed25519 public key (SubjectPublicKeyInfo PEM), or the signature does not fit.
[[nodiscard]] Head check_signed_head(std::string_view line, std::string_view public_key_pem);

}  // namespace daybook
