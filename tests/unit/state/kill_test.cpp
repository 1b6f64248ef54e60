// Killed at any moment, the state holds the last commit that was answered, or the one after it, and never a half.
#include "state/store.hpp"
#include "state_support.hpp"

#include <csignal>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

using namespace fluxgate;
using state::Access;
using state::Store;
using test::StateDirectory;

namespace {

// Commits rising numbers until it is killed, and says each on the pipe once it is durable.
[[noreturn]] void commit_for_ever(const StateDirectory& directory, int answers) {
    auto store = Store::open(directory.path, "plant", Access::write);
    if (!store.ok()) ::_exit(1);
    const auto before = (*store)->get({"input"}, "cursor");
    if (!before.ok()) ::_exit(2);
    for (std::uint64_t n = std::stoull(before->value_or("0")) + 1;; ++n) {
        const std::string number = std::to_string(n), memory = number + std::string(n * 977 % 20'000, 'f');
        if (!(*store)->commit({"input"}, {{"cursor", number}, {"fingerprints", memory}}).ok()) ::_exit(3);
        if (::write(answers, &n, sizeof n) != sizeof n) ::_exit(4);
    }
}

} // namespace

TEST_CASE("a process that is killed while it commits loses nothing that was answered, and no commit is halved") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    const StateDirectory directory;
    std::uint64_t answered = 0;
    for (int round = 0; round < 30; ++round) {
        int ends[2] = {};
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) commit_for_ever(directory, ends[1]);
        ::close(ends[1]);
        const std::uint64_t until = answered + random() % 12;
        for (std::uint64_t n = 0; answered < until && ::read(ends[0], &n, sizeof n) == sizeof n;)
            answered = n;
        for (auto spin = random() % 200'000; spin > 0; --spin) // somewhere inside the next commit
            static_cast<void>(::getppid());
        ::kill(child, SIGKILL);
        for (std::uint64_t n = 0; ::read(ends[0], &n, sizeof n) == sizeof n;)
            answered = n;
        ::close(ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(WIFSIGNALED(status)); // it had no trouble of its own

        auto store = Store::open(directory.path, "plant", Access::write);
        REQUIRE(store.ok());
        const auto cursor = (*store)->get({"input"}, "cursor"), memory = (*store)->get({"input"}, "fingerprints");
        REQUIRE((cursor.ok() && memory.ok()));
        const std::uint64_t found = std::stoull(cursor->value_or("0"));
        CHECK(found >= answered);
        CHECK(found <= answered + 1);
        if (found != 0) CHECK(**memory == **cursor + std::string(found * 977 % 20'000, 'f'));
        answered = found;
    }
    CHECK(answered > 0);
}
