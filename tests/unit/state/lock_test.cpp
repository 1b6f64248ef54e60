#include "state/lock_file.hpp"
#include "state/store.hpp"
#include "state_support.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace fluxgate;
using state::Access;
using state::LockFile;
using state::Store;
using test::StateDirectory;

namespace {

// A process that holds the state until it is killed.
class OtherProcess {
public:
    explicit OtherProcess(const StateDirectory& directory) {
        int ready[2] = {};
        REQUIRE(::pipe(ready) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            auto store = Store::open(directory.path, "plant", Access::write);
            const char answer = store.ok() ? 'y' : 'n';
            if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
            for (;;)
                ::pause();
        }
        char answer = '?';
        REQUIRE(::read(ready[0], &answer, 1) == 1);
        ::close(ready[0]);
        ::close(ready[1]);
        REQUIRE(answer == 'y');
    }
    ~OtherProcess() { kill(); }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    [[nodiscard]] int pid() const { return pid_; }

private:
    int pid_ = 0;
};

} // namespace

TEST_CASE("a second process is refused with the first one's number, host and start, and let in once that was killed") {
    const StateDirectory directory;
    OtherProcess other{directory};
    const auto refused = Store::open(directory.path, "plant", Access::write);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Errc::state);
    const std::string text = refused.error().message;
    INFO(text);
    char host[256] = {};
    REQUIRE(::gethostname(host, sizeof host - 1) == 0);
    CHECK(text.find("in use by process " + std::to_string(other.pid()) + " on " + host + " since 2") != std::string::npos);
    const auto holder = LockFile::holder_of(directory.file("plant.lock"));
    REQUIRE(holder.has_value());
    CHECK(holder->pid == other.pid());

    other.kill();
    CHECK_FALSE(LockFile::holder_of(directory.file("plant.lock")).has_value());
    CHECK(Store::open(directory.path, "plant", Access::write).ok());
}

TEST_CASE("two stores of one process exclude each other, and looking at the holder lets nobody in") {
    const StateDirectory directory;
    auto first = Store::open(directory.path, "plant", Access::write);
    REQUIRE(first.ok());
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(Store::open(directory.path, "plant", Access::write).ok());
        const auto holder = LockFile::holder_of(directory.file("plant.lock"));
        REQUIRE(holder.has_value());
        CHECK(holder->pid == ::getpid());
    }
    first->reset();
    CHECK_FALSE(LockFile::holder_of(directory.file("plant.lock")).has_value());
    CHECK(Store::open(directory.path, "plant", Access::write).ok());
}

TEST_CASE("a lock file that was written by somebody else shows no control characters") {
    const StateDirectory directory;
    std::filesystem::create_directories(directory.path);
    const std::string path = directory.file("x.lock");
    auto lock = LockFile::take(path);
    REQUIRE(lock.ok());
    std::FILE* file = std::fopen(path.c_str(), "w");
    REQUIRE(file != nullptr);
    std::fputs("pid 5\nhost a\x1b[31m\nsince \xc2\x9b\n", file);
    std::fclose(file);
    const auto holder = LockFile::holder_of(path);
    REQUIRE(holder.has_value());
    CHECK(to_text(*holder) == "process 5 on a?[31m since ??");
}

TEST_CASE("once the lock's file was removed or replaced nothing more is committed") {
    const StateDirectory directory;
    auto store = Store::open(directory.path, "plant", Access::write);
    REQUIRE(store.ok());
    REQUIRE((*store)->commit({"input"}, {{"cursor", "one"}}).ok());
    std::filesystem::remove(directory.file("plant.lock"));
    if (GENERATE(false, true)) {
        // whoever comes now finds no lock
        auto second = Store::open(directory.path, "plant", Access::write);
        REQUIRE(second.ok());
        REQUIRE((*second)->commit({"input"}, {{"cursor", "second"}}).ok());
        const auto refused = (*store)->commit({"input"}, {{"cursor", "first"}});
        REQUIRE_FALSE(refused.ok());
        CHECK((*second)->get({"input"}, "cursor")->value_or("") == "second");
    } else {
        const auto refused = (*store)->commit({"input"}, {{"cursor", "two"}});
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().message.find("was removed or replaced") != std::string::npos);
    }
}
