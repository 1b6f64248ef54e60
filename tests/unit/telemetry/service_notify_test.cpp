#include "telemetry/service_notify.hpp"

#include "support/catch.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace fluxgate;
using namespace fluxgate::telemetry;
using namespace std::chrono_literals;

namespace {

// What systemd's end is: a datagram socket that is bound to an address.
class Manager {
public:
    explicit Manager(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        REQUIRE(fd_ >= 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        if (name.front() == '@') address.sun_path[0] = '\0';
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
    }
    ~Manager() { ::close(fd_); }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    // The next datagram, "" when there is none.
    [[nodiscard]] std::string heard() const {
        char buffer[4096];
        const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
        return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string{};
    }

private:
    int fd_;
};

struct Directory {
    Directory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Directory() {
        std::error_code ignored; // a directory that stays behind fails no test
        std::filesystem::remove_all(path, ignored);
    }
    std::string path = "/tmp/fluxgate-notify-XXXXXX";
};

} // namespace

TEST_CASE("the service manager hears each message as one datagram, at a path and at an abstract name") {
    const Directory directory;
    for (const std::string& name : {directory.path + "/notify", "@fluxgate-test-" + std::to_string(::getpid())}) {
        INFO(name);
        const Manager manager{name};
        const auto notify = ServiceNotify::open(name);
        REQUIRE(notify.ok());
        CHECK(notify->listening());
        CHECK(notify->tell(ready_lines()).ok());
        CHECK(notify->tell(status_lines("12 messages")).ok());
        CHECK(manager.heard() == "READY=1\n");
        CHECK(manager.heard() == "STATUS=12 messages\n");
        CHECK(manager.heard().empty());
    }
}

TEST_CASE("without NOTIFY_SOCKET nothing is sent and nothing fails") {
    const auto notify = ServiceNotify::open("");
    REQUIRE(notify.ok());
    CHECK_FALSE(notify->listening());
    CHECK(notify->tell(ready_lines()).ok());
}

TEST_CASE("an address that is none, and a manager that went away, are errors that name NOTIFY_SOCKET") {
    for (const std::string& bad : {std::string{"relative"}, "/" + std::string(200, 'x')}) {
        const auto notify = ServiceNotify::open(bad);
        REQUIRE_FALSE(notify.ok());
        CHECK(notify.error().message.find("NOTIFY_SOCKET") != std::string::npos);
    }
    const auto nobody = ServiceNotify::open("/no/such/socket");
    REQUIRE(nobody.ok());
    const auto told = nobody->tell(ready_lines());
    REQUIRE_FALSE(told.ok());
    CHECK(told.error().message.find("NOTIFY_SOCKET") != std::string::npos);
}

TEST_CASE("a status is one line whatever the text holds, and is cut at a character's end") {
    CHECK(status_lines("a\nREADY=1\tb") == "STATUS=a READY=1 b\n");
    const std::string cut = status_lines(std::string(1023, 'x') + "\xC3\xA9");
    CHECK(cut == "STATUS=" + std::string(1023, 'x') + "\n");
}

TEST_CASE("a reload is told with its instant in microseconds") {
    CHECK(reloading_lines(1'234'567'890) == "RELOADING=1\nMONOTONIC_USEC=1234567\n");
    CHECK(stopping_lines() == "STOPPING=1\n");
}

TEST_CASE("the watchdog is fed at once and then every half of its period") {
    Watchdog dog{"2000000", nullptr, 7};
    CHECK(dog.period() == 2s);
    constexpr std::int64_t second = 1'000'000'000;
    CHECK(dog.due(100 * second));
    CHECK_FALSE(dog.due(100 * second));
    CHECK_FALSE(dog.due(101 * second - 1));
    CHECK(dog.due(101 * second));
    CHECK_FALSE(dog.due(101 * second + 1));
}

TEST_CASE("a watchdog of another process, of nobody, or of a bad period is never due") {
    CHECK(Watchdog("2000000", "7", 7).due(0));
    for (Watchdog dog :
         {Watchdog{"2000000", "8", 7}, Watchdog{"2000000", "seven", 7}, Watchdog{nullptr, "7", 7}, Watchdog{"", nullptr, 7},
          Watchdog{"0", nullptr, 7}, Watchdog{"-5", nullptr, 7}, Watchdog{"2s", nullptr, 7}, Watchdog{"99999999999999999999", nullptr, 7}}) {
        CHECK(dog.period() == 0s);
        CHECK_FALSE(dog.due(0));
    }
}
