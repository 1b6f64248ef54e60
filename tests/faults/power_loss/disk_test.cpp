// The model of the disk: what a power loss may leave, and what it may not.
#include "disk.hpp"

#include "support/catch.hpp"
#include "support/process.hpp"

#include <functional>
#include <set>
#include <stdexcept>

using namespace fluxgate::power_loss;
namespace fs = std::filesystem;

namespace {

const std::string block(4096, 'a'), other(4096, 'b');

// Records without a program.
struct Log {
    Disk disk;
    Log() { put(FG_TRACE_HAD_DIRECTORY, ""); }
    Log& put(fg_trace_op op, const std::string& path, std::uint64_t inode = 0, std::string_view data = {}, std::uint64_t offset = 0, int error = 0,
             const std::string& path2 = {}) {
        disk.apply({op, inode, offset, path, path2, data, error});
        return *this;
    }
    Log& create(const std::string& path, std::uint64_t inode) { return put(FG_TRACE_CREATE, path, inode); }
    Log& write(std::uint64_t inode, std::string_view data, std::uint64_t offset = 0) { return put(FG_TRACE_WRITE, "", inode, data, offset); }
    Log& sync(std::uint64_t inode, int error = 0) { return put(FG_TRACE_SYNC, "", inode, {}, 0, error); }
    Log& sync_directory(const std::string& path, int error = 0) { return put(FG_TRACE_SYNC_DIRECTORY, path, 0, {}, 0, error); }
    Log& rename(const std::string& from, const std::string& to) { return put(FG_TRACE_RENAME, from, 0, {}, 0, 0, to); }
};

std::string seen(const fs::path& file) {
    return fs::exists(file) ? bytes_of(file) : "(none)";
}

// What many power losses leave, as `look` words it.
std::set<std::string> outcomes(const Disk& disk, const std::function<std::string(const fs::path&)>& look, Cut cut = Cut::random) {
    std::set<std::string> out;
    const fluxgate::test::TempDirectory directory;
    for (std::uint64_t seed = 0; seed < 200; ++seed) { // enough that each of a few outcomes comes
        Random random{seed};
        const fs::path into = fs::path{directory.path()} / std::to_string(seed);
        disk.materialise(into, cut, random);
        out.insert(look(into));
    }
    return out;
}

auto bytes_in(const std::string& name) {
    return [name](const fs::path& root) { return seen(root / name); };
}

using Outcomes = std::set<std::string>;

} // namespace

TEST_CASE("what was synced, and its name and the names above it too, is there after every power loss") {
    Log log;
    log.put(FG_TRACE_MAKE_DIRECTORY, "d").sync_directory("").create("d/f", 1).write(1, block).sync(1).sync_directory("d");
    CHECK(outcomes(log.disk, bytes_in("d/f")) == Outcomes{block});
    CHECK(outcomes(log.disk, bytes_in("d/f"), Cut::synced_only) == Outcomes{block});
}

TEST_CASE("without a sync of each directory above it a file may be gone, without a sync of its own its bytes may be") {
    Log no_name, no_parent, no_bytes;
    no_name.create("f", 1).write(1, block).sync(1);
    CHECK(outcomes(no_name.disk, bytes_in("f")) == Outcomes{"(none)", block});
    CHECK(outcomes(no_name.disk, bytes_in("f"), Cut::synced_only) == Outcomes{"(none)"});
    no_parent.put(FG_TRACE_MAKE_DIRECTORY, "d").create("d/f", 1).write(1, block).sync(1).sync_directory("d");
    CHECK(outcomes(no_parent.disk, bytes_in("d/f")) == Outcomes{"(none)", block});
    no_bytes.create("f", 1).sync_directory("").write(1, block);
    const Outcomes all = outcomes(no_bytes.disk, bytes_in("f"));
    CHECK(all.count("") == 1);
    CHECK(all.count(block) == 1);
    CHECK(all.count("(none)") == 0);
    CHECK(outcomes(no_bytes.disk, bytes_in("f"), Cut::synced_only) == Outcomes{""});
    CHECK(outcomes(no_bytes.disk, bytes_in("f"), Cut::everything) == Outcomes{block});
}

TEST_CASE("an unsynced write may be torn, there by sectors, or leave a size without its bytes") {
    Log log;
    log.create("f", 1).write(1, block).sync(1).sync_directory("").write(1, other).write(1, other, 4096);
    bool torn = false, sectors = false, zeros = false;
    for (const std::string& bytes : outcomes(log.disk, bytes_in("f"))) {
        REQUIRE(bytes.size() >= 4096);
        CHECK(bytes.find_first_not_of(std::string_view{"ab\0", 3}) == std::string::npos);
        CHECK(bytes.substr(0, 4096).find('\0') == std::string::npos);
        const std::size_t last_a = bytes.find_last_of('a'), first_b = bytes.find('b');
        torn = torn || (first_b == 0 && last_a != std::string::npos && last_a == 4095 && bytes[511] == 'b');
        sectors = sectors || (last_a != std::string::npos && first_b < last_a && first_b % 512 == 0 && first_b > 0);
        zeros = zeros || (bytes.size() == 8192 && bytes.back() == '\0');
    }
    CHECK(torn);
    CHECK(sectors);
    CHECK(zeros);
}

TEST_CASE("what a failed sync was to make durable may be lost, whatever is synced later") {
    Log log;
    log.create("f", 1).sync_directory("").write(1, block).sync(1, 5).sync(1).write(1, other, 4096).sync(1);
    const Outcomes all = outcomes(log.disk, bytes_in("f"));
    CHECK(all.count(std::string(4096, '\0') + other) == 1);
    CHECK(all.count(block + other) == 1);
    Log name;
    name.create("f", 1).sync_directory("", 5).sync_directory("");
    CHECK(outcomes(name.disk, bytes_in("f")) == Outcomes{"(none)", ""});
}

TEST_CASE("a rename is one step: the file is never gone, and within a directory it never has both names") {
    Log within, across;
    const auto look = [](const fs::path& root) {
        return std::string{fs::exists(root / "old") ? "old " : ""} + (fs::exists(root / "new") ? "new" : "") +
               (fs::exists(root / "d/new") ? "new" : "");
    };
    within.create("old", 1).sync_directory("").rename("old", "new");
    CHECK(outcomes(within.disk, look) == Outcomes{"old ", "new"});
    across.put(FG_TRACE_MAKE_DIRECTORY, "d").create("old", 1).sync_directory("").sync_directory("d").rename("old", "d/new");
    CHECK(outcomes(across.disk, look) == Outcomes{"old ", "new", "old new"});
    across.sync_directory("d");
    CHECK(outcomes(across.disk, look) == Outcomes{"new", "old new"});
}

TEST_CASE("a name that was removed may come back until its directory is synced, and then what took its place is there") {
    Log log;
    log.create("f", 1).write(1, "1").sync(1).sync_directory("").put(FG_TRACE_UNLINK, "f").create("f", 2).write(2, "2").sync(2);
    CHECK(outcomes(log.disk, bytes_in("f")) == Outcomes{"1", "(none)", "2"});
    log.sync_directory("");
    CHECK(outcomes(log.disk, bytes_in("f")) == Outcomes{"2"});
}

TEST_CASE("what is written through memory may be anything") {
    Log log;
    log.create("x-shm", 1).write(1, block).sync_directory("").put(FG_TRACE_MAP, "x-shm", 1);
    CHECK(outcomes(log.disk, bytes_in("x-shm")).size() > 100);
}

TEST_CASE("a record that cannot follow those before it is refused, and a directory that holds something else is told") {
    Log log;
    CHECK_THROWS_AS(log.write(7, block), std::runtime_error);
    CHECK_THROWS_AS(log.put(FG_TRACE_UNLINK, "nothing"), std::runtime_error);
    CHECK_THROWS_AS(log.create("no/such", 1), std::runtime_error);
    const fluxgate::test::TempDirectory directory;
    log.create("f", 1).write(1, "f").create("g", 2);
    CHECK(log.disk.differences(directory.path()).size() == 2);
    directory.write("f", "f");
    directory.write("g", "");
    CHECK(log.disk.differences(directory.path()).empty());
    directory.write("f", "F");
    directory.write("h", "");
    CHECK(log.disk.differences(directory.path()).size() == 2);
}
