#include <daybook/event/sha256.hpp>

#include <utility>

using namespace daybook;

TEST_CASE("sha256: the examples of FIPS 180 come out") {
    CHECK(sha256("abc").to_hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256("").to_hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").to_hex() ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("sha256: pieces give the digest of the whole") {
    Sha256 hash;
    hash.update("a");
    const std::array<std::byte, 2> rest{std::byte{'b'}, std::byte{'c'}};
    hash.update(rest);
    CHECK(hash.finish() == sha256("abc"));
}

TEST_CASE("sha256: finish() starts anew") {
    Sha256 hash;
    hash.update("something else");
    static_cast<void>(hash.finish());
    hash.update("abc");
    CHECK(hash.finish() == sha256("abc"));
}

TEST_CASE("sha256: a moved hash goes on where it was") {
    Sha256 first;
    first.update("ab");
    Sha256 second = std::move(first);
    second.update("c");
    CHECK(second.finish() == sha256("abc"));
}
