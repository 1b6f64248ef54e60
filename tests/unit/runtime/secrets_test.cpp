#include "runtime/secrets.hpp"

#include "scripted.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace fluxgate;
using namespace fluxgate::test;
using fluxgate::runtime::Secrets;

namespace {

void put(const std::string& path, const std::string& content) {
    std::ofstream{path, std::ios::binary} << content;
}

} // namespace

TEST_CASE("a file comes before the environment, and loses one trailing line feed only") {
    TempDir dir;
    ::setenv("FLUXGATE_TEST_SECRET", "from-environment", 1);
    const Secrets secrets{dir.path};
    CHECK(*secrets.resolve("FLUXGATE_TEST_SECRET") == "from-environment");
    put(dir.path + "/FLUXGATE_TEST_SECRET", "from-file\n\n");
    CHECK(*secrets.resolve("FLUXGATE_TEST_SECRET") == "from-file\n");
    put(dir.path + "/FLUXGATE_TEST_SECRET", "rotated");
    CHECK(*secrets.resolve("FLUXGATE_TEST_SECRET") == "rotated");
    CHECK(*Secrets{""}.resolve("FLUXGATE_TEST_SECRET") == "from-environment");
    ::unsetenv("FLUXGATE_TEST_SECRET");
}

TEST_CASE("a mounted secret that is a symbolic link is followed, as Kubernetes mounts them") {
    TempDir dir;
    std::filesystem::create_directory(dir.path + "/..data");
    put(dir.path + "/..data/token", "value");
    std::filesystem::create_symlink("..data/token", dir.path + "/token");
    CHECK(*Secrets{dir.path}.resolve("token") == "value");
}

TEST_CASE("an unresolved secret names the reference and the places tried") {
    TempDir dir;
    const auto missing = Secrets{dir.path}.resolve("no-such-secret");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().code == Errc::secret);
    for (const std::string& part : {std::string{"no-such-secret"}, dir.path + "/no-such-secret", std::string{"environment variable no-such-secret"}})
        CHECK(missing.error().message.find(part) != std::string::npos);
}

TEST_CASE("a reference cannot leave the directory, and text that is no reference is not repeated") {
    TempDir dir;
    put(dir.path + "/inside", "value");
    for (const std::string& name : {std::string{".."}, std::string{"."}, std::string{"../x"}, std::string{"a/b"}, std::string{"/etc/hostname"},
                                    std::string{}, std::string{"..data"}, std::string{"a b"}, std::string{"a\0b", 3}, std::string(300, 'a')}) {
        INFO(name);
        const auto got = Secrets{dir.path}.resolve(name);
        REQUIRE_FALSE(got.ok());
        CHECK(got.error().code == Errc::secret);
        if (name.size() > 3) CHECK(got.error().message.find(name) == std::string::npos);
    }
}

TEST_CASE("an empty secret and a place that is no file are errors, not secrets") {
    TempDir dir;
    put(dir.path + "/empty", "\n");
    std::filesystem::create_directory(dir.path + "/folder");
    CHECK(Secrets{dir.path}.resolve("empty").error().message.find("is empty") != std::string::npos);
    CHECK(Secrets{dir.path}.resolve("folder").error().message.find("not a regular file") != std::string::npos);
}
