// Unfinished files that crashed runs left, and partitions that tidy them up while others already write.
#include "core/root_directory.hpp"
#include "support/catch.hpp"
#include "temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <sys/stat.h>

using namespace fluxgate;
using namespace fluxgate::core;

namespace {

// Two partitions' views of one directory, in which a crashed run left a file.
struct Two {
    Two() { std::ofstream{directory.path() / leftover} << "half a line"; }

    core_test::TempDir directory;
    std::string prefix = part_prefix("p", "i"), leftover = prefix + "0~0.part";
    Result<RootDirectory> first = RootDirectory::open(directory.path().string()), second = RootDirectory::open(directory.path().string());
};

nlink_t names_of(const PartFile& part) {
    struct stat about {};
    REQUIRE(::fstat(part.fd.get(), &about) == 0);
    return about.st_nlink;
}

} // namespace

TEST_CASE("tidying never takes a new file for the leftover whose name it bears") {
    Two two;
    REQUIRE((two.first.ok() && two.second.ok()));
    std::optional<PartFile> part;
    const Result<std::uint64_t> removed = two.first->remove_leftovers(two.prefix, [&] {
        REQUIRE(*two.second->remove_leftovers(two.prefix) == 1);
        Result<PartFile> made = two.second->make_part(two.prefix, 0);
        REQUIRE(made.ok());
        part = *std::move(made);
    });
    REQUIRE(removed.ok());
    REQUIRE(part);
    CHECK(part->name == two.leftover);
    CHECK(*removed == 0);
    CHECK(names_of(*part) == 1);
}

TEST_CASE("a leftover that another partition removed first is nobody's trouble, and one that stays is removed") {
    Two two;
    REQUIRE((two.first.ok() && two.second.ok()));
    const Result<std::uint64_t> removed = two.first->remove_leftovers(two.prefix, [&] { REQUIRE(*two.second->remove_leftovers(two.prefix) == 1); });
    REQUIRE(removed.ok());
    CHECK(*removed == 0);
    Two again;
    CHECK(*again.first->remove_leftovers(again.prefix) == 1);
    CHECK_FALSE(std::filesystem::exists(again.directory.path() / again.leftover));
}
