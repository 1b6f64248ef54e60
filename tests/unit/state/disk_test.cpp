// Trouble with the disk: every commit that is not on it is an error, and never more than the last word is lost.
#include "state/store.hpp"
#include "state_support.hpp"

#include <cerrno>
#include <set>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace fluxgate;
using state::Access;
using state::Owner;
using state::Store;
using test::StateDirectory;

namespace {

const Owner source{"input"};

// The system's writes as SQLite calls them; they fail while `trouble` is an errno.
int trouble = 0;
int writes_left = 0; // before that

bool fails() {
    if (trouble == 0 || writes_left-- > 0) return false;
    errno = trouble;
    return true;
}

// Files with writes that were not synced yet.
std::set<ino_t> dirty;
int sync_trouble = 0; // the errno that every sync answers, or 0

ino_t inode_of(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

ssize_t failing_pwrite(int fd, const void* data, std::size_t size, off_t at) {
    if (fails()) return -1;
    dirty.insert(inode_of(fd));
    return ::pwrite(fd, data, size, at);
}
ssize_t failing_write(int fd, const void* data, std::size_t size) {
    if (fails()) return -1;
    dirty.insert(inode_of(fd));
    return ::write(fd, data, size);
}

int sync_as(long call, int fd) {
    if (sync_trouble != 0) {
        errno = sync_trouble;
        return -1;
    }
    const auto answer = static_cast<int>(::syscall(call, fd));
    if (answer == 0) dirty.erase(inode_of(fd));
    return answer;
}

class FailingDisk {
public:
    FailingDisk() {
        sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
        const auto put = [vfs](const char* name, auto* call) { return vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(call)); };
        REQUIRE(put("pwrite", failing_pwrite) == SQLITE_OK);
        put("pwrite64", failing_pwrite); // one of the two is used
        REQUIRE(put("write", failing_write) == SQLITE_OK);
    }
    ~FailingDisk() {
        trouble = 0;
        sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
        vfs->xSetSystemCall(vfs, nullptr, nullptr);
    }
    FailingDisk(const FailingDisk&) = delete;
    FailingDisk& operator=(const FailingDisk&) = delete;
};

std::unique_ptr<Store> opened(const StateDirectory& directory) {
    auto store = Store::open(directory.path, "plant", Access::write);
    INFO((store.ok() ? "" : store.error().message));
    REQUIRE(store.ok());
    return std::move(*store);
}

std::string value_of(Store& store) {
    const auto value = store.get(source, "cursor");
    REQUIRE(value.ok());
    return value->value_or("(none)");
}

std::string refused(Store& store, const std::string& value) {
    const auto done = store.commit(source, {{"cursor", value}});
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::state);
    return done.error().message;
}

// What a process without root's rights is told when it opens the state.
std::string error_of_nobody(const std::string& path) {
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        constexpr uid_t nobody = 65534;
        if (::geteuid() == 0 && ::setuid(nobody) != 0) ::_exit(1);
        const auto store = Store::open(path, "plant", Access::write);
        const std::string text = store.ok() ? "opened" : store.error().message;
        ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string out;
    char piece[512];
    for (ssize_t n = 0; (n = ::read(ends[0], piece, sizeof piece)) > 0;)
        out.append(piece, static_cast<std::size_t>(n));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return out;
}

bool is_dirty(const std::string& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return dirty.count(info.st_ino) != 0;
}

} // namespace

// Instead of the C library's, in this program; SQLite calls them.
extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) {
    return sync_as(SYS_fdatasync, fd);
}
extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
    return sync_as(SYS_fsync, fd);
}

TEST_CASE("a commit is synced before it is answered, whatever its size") {
    const StateDirectory directory;
    auto store = opened(directory);
    const FailingDisk disk; // which notes writes
    for (const std::size_t size : {10u, 5'000u, 100'000u, 3'000'000u, 10u, 6'000'000u, 10u}) {
        dirty.clear();
        REQUIRE(store->commit(source, {{"cursor", std::string(size, 'x')}}).ok());
        CHECK_FALSE(is_dirty(directory.file("plant.db-wal")));
        CHECK_FALSE(is_dirty(directory.file("plant.db")));
    }
}

TEST_CASE("a sync that fails refuses the commit and all later ones, and a fresh start finds a value that was committed or tried") {
    const StateDirectory directory;
    {
        auto store = opened(directory);
        REQUIRE(store->commit(source, {{"cursor", "kept"}}).ok());
        sync_trouble = EIO;
        const std::string text = refused(*store, "tried");
        sync_trouble = 0;
        INFO(text);
        CHECK(text.find("check the disk") != std::string::npos);
        CHECK(refused(*store, "later") == text);
    }
    const std::string value = value_of(*opened(directory));
    CHECK((value == "kept" || value == "tried"));
}

TEST_CASE("a full disk refuses the commit, keeps the value before, and takes the next one when there is room") {
    const StateDirectory directory;
    auto store = opened(directory);
    REQUIRE(store->commit(source, {{"cursor", "kept"}}).ok());
    {
        const FailingDisk disk;
        trouble = ENOSPC;
        writes_left = GENERATE(0, 1, 2, 3);
        const std::string text = refused(*store, std::string(30'000, 'x'));
        INFO(text);
        CHECK(text.find(directory.file("plant.db")) != std::string::npos);
        CHECK(text.find("full") != std::string::npos);
        CHECK(text.find("make room on that disk") != std::string::npos);
    }
    CHECK(value_of(*store) == "kept");
    REQUIRE(store->commit(source, {{"cursor", "after"}}).ok());
    store.reset();
    CHECK(value_of(*opened(directory)) == "after");
}

TEST_CASE("after a write that failed the store refuses every later commit, and a fresh start finds the value before") {
    const StateDirectory directory;
    {
        auto store = opened(directory);
        REQUIRE(store->commit(source, {{"cursor", "kept"}}).ok());
        {
            const FailingDisk disk;
            trouble = EIO;
            writes_left = GENERATE(0, 1, 2, 3);
            const std::string text = refused(*store, std::string(30'000, 'x'));
            INFO(text);
            CHECK(text.find("check the disk") != std::string::npos);
            CHECK(text.find("errno 5") != std::string::npos);
        }
        CHECK(refused(*store, "later").find("check the disk") != std::string::npos);
    }
    auto store = opened(directory);
    CHECK(value_of(*store) == "kept");
    REQUIRE(store->commit(source, {{"cursor", "after"}}).ok());
}

TEST_CASE("a file that is removed or replaced while it is open stops commits, whichever file it is") {
    const StateDirectory directory;
    auto store = opened(directory);
    REQUIRE(store->commit(source, {{"cursor", "kept"}}).ok());
    const std::string file = directory.file(GENERATE("plant.db", "plant.db-wal"));
    if (GENERATE(false, true)) {
        std::filesystem::copy_file(file, file + ".copy");
        std::filesystem::rename(file + ".copy", file);
    } else {
        std::filesystem::remove(file);
    }
    const std::string text = refused(*store, "lost");
    INFO(text);
    CHECK(text.find(file) != std::string::npos);
    CHECK(text.find("was removed or replaced") != std::string::npos);
    CHECK(refused(*store, "still lost") == text);
}

TEST_CASE("a directory that is moved away stops commits") {
    const StateDirectory directory;
    auto store = opened(directory);
    std::filesystem::rename(directory.path, directory.root + "/elsewhere");
    CHECK(refused(*store, "x").find("was removed or replaced") != std::string::npos);
}

TEST_CASE("a directory that cannot be made or written is named, with the reason and what to do") {
    const StateDirectory directory;
    const auto error = [&](const std::string& path) {
        auto store = Store::open(path, "plant", Access::write);
        REQUIRE_FALSE(store.ok());
        CHECK(store.error().code == Errc::state);
        return store.error().message;
    };
    SECTION("below a file") {
        std::fclose(std::fopen((directory.root + "/file").c_str(), "w"));
        const std::string text = error(directory.root + "/file/state");
        INFO(text);
        CHECK(text.find("Not a directory") != std::string::npos);
    }
    SECTION("a file instead of a directory") {
        std::fclose(std::fopen((directory.root + "/file").c_str(), "w"));
        CHECK(error(directory.root + "/file").find("name a directory with --state DIR") != std::string::npos);
    }
    SECTION("a symbolic link instead of the file") {
        std::filesystem::create_directories(directory.path);
        std::filesystem::create_symlink("/nowhere", directory.file("plant.db"));
        CHECK(error(directory.path).find("symbolic link") != std::string::npos);
    }
    SECTION("a file system without writing") {
        const std::string text = error("/proc/fluxgate-state");
        INFO(text);
        CHECK(text.find("/proc/fluxgate-state") != std::string::npos);
    }
    SECTION("without permission") {
        ::chmod(directory.root.c_str(), 0500);
        const std::string text = error_of_nobody(directory.path);
        ::chmod(directory.root.c_str(), 0700);
        INFO(text);
        CHECK(text.find("Permission denied") != std::string::npos);
        CHECK(text.find("--state DIR") != std::string::npos);
    }
}
