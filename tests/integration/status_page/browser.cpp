#include "browser.hpp"

#include "config/json_text.hpp"
#include "fluxgate/stage.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fluxgate::test {

namespace {

constexpr std::chrono::seconds patience{30};

std::string json_string(const std::string& text) {
    std::string out;
    stage::detail::append_json_string(out, text);
    return out;
}

// A string or number somewhere below, or "".
std::string at(const rapidjson::Value& value, const std::vector<const char*>& path) {
    const rapidjson::Value* here = &value;
    for (const char* name : path) {
        if (!here->IsObject() || !here->HasMember(name)) return {};
        here = &(*here)[name];
    }
    return here->IsString() ? std::string{here->GetString(), here->GetStringLength()} : config::to_text(*here);
}

std::string from_base64(const std::string& text) {
    static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0, have = 0;
    for (const char c : text) {
        const std::size_t digit = digits.find(c);
        if (digit == std::string::npos) continue;
        bits = (bits << 6) | static_cast<unsigned>(digit);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out += static_cast<char>((bits >> have) & 0xFFu);
    }
    return out;
}

} // namespace

std::string chromium() {
    for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"})
        if (access(path, X_OK) == 0) return path;
    return {};
}

Browser::Browser(const std::string& program) {
    std::array<char, 64> profile{"/tmp/fluxgate-browser-XXXXXX"};
    if (mkdtemp(profile.data()) == nullptr) throw std::runtime_error("no directory for the browser");
    profile_ = profile.data();
    std::array<int, 2> in{}, out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipes for the browser");
    pid_ = fork();
    if (pid_ == 0) {
        setpgid(0, 0); // it starts helpers, which are to end with it
        // The protocol's descriptors are 3 and 4; what is there already is moved out of the way first.
        const int read_end = fcntl(in[0], F_DUPFD, 10), write_end = fcntl(out[1], F_DUPFD, 10);
        dup2(read_end, 3);
        dup2(write_end, 4);
        close(read_end);
        close(write_end);
        const int nowhere = ::open("/dev/null", O_RDWR);
        for (const int fd : {0, 1, 2})
            dup2(nowhere, fd);
        setenv("HOME", profile_.c_str(), 1);
        const std::string profile_switch = "--user-data-dir=" + profile_;
        execl(program.c_str(), program.c_str(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
              "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
              "--mute-audio", profile_switch.c_str(), "about:blank", static_cast<char*>(nullptr));
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
    const config::JsonText targets = config::parse_json(call("Target.getTargets", "{}", false));
    std::string page;
    for (const auto& target : targets.dom["targetInfos"].GetArray())
        if (at(target, {"type"}) == "page") page = at(target, {"targetId"});
    const config::JsonText attached =
        config::parse_json(call("Target.attachToTarget", R"({"flatten":true,"targetId":)" + json_string(page) + "}", false));
    session_ = at(attached.dom, {"sessionId"});
    for (const char* domain : {"Page", "Runtime", "Log", "Network"})
        call(std::string{domain} + ".enable", "{}");
}

Browser::~Browser() {
    close(to_);
    close(from_);
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    for (int tries = 0; tries < 20 && std::filesystem::exists(profile_, ignored); ++tries) { // its helpers end a moment later
        std::filesystem::remove_all(profile_, ignored);
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
}

std::string Browser::receive(std::chrono::steady_clock::time_point until) {
    for (;;) {
        const std::size_t end = buffer_.find('\0');
        if (end != std::string::npos) {
            std::string message = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return message;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
        pollfd waits{from_, POLLIN, 0};
        if (left <= 0 || ::poll(&waits, 1, static_cast<int>(left)) <= 0) throw std::runtime_error("the browser does not answer");
        std::array<char, 65536> bytes{};
        const ssize_t got = ::read(from_, bytes.data(), bytes.size());
        if (got <= 0) throw std::runtime_error("the browser has ended");
        buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    }
}

void Browser::note(const std::string& message) {
    const config::JsonText event = config::parse_json(message);
    if (!event.parsed || !event.dom.IsObject()) return;
    const std::string method = at(event.dom, {"method"});
    if (method == "Network.requestWillBeSent") requests_.push_back(at(event.dom, {"params", "request", "url"}));
    if (method == "Log.entryAdded")
        complaints_.push_back(at(event.dom, {"params", "entry", "text"}) + " " + at(event.dom, {"params", "entry", "url"}));
    if (method == "Runtime.exceptionThrown") complaints_.push_back(at(event.dom, {"params", "exceptionDetails"}));
    if (method == "Runtime.consoleAPICalled") complaints_.push_back(at(event.dom, {"params", "args"}));
}

// The result object of a command. What comes meanwhile is noted.
std::string Browser::call(const std::string& method, const std::string& parameters, bool of_page) {
    const int id = next_++;
    std::string message = "{\"id\":" + std::to_string(id) + ",\"method\":" + json_string(method) + ",\"params\":" + parameters;
    if (of_page) message += ",\"sessionId\":" + json_string(session_);
    message += "}";
    message += '\0';
    for (std::size_t done = 0; done < message.size();) {
        const ssize_t n = ::write(to_, message.data() + done, message.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw std::runtime_error("the browser has ended");
        done += static_cast<std::size_t>(n);
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const std::string answer = receive(until);
        const config::JsonText read = config::parse_json(answer);
        if (!read.parsed || at(read.dom, {"id"}) != std::to_string(id)) {
            note(answer);
            continue;
        }
        if (read.dom.HasMember("error")) throw std::runtime_error(method + ": " + at(read.dom, {"error"}));
        return at(read.dom, {"result"});
    }
}

void Browser::look(int width, int height, bool dark) {
    call("Emulation.setDeviceMetricsOverride",
         "{\"width\":" + std::to_string(width) + ",\"height\":" + std::to_string(height) + ",\"deviceScaleFactor\":1,\"mobile\":false}");
    call("Emulation.setEmulatedMedia", std::string{R"({"features":[{"name":"prefers-color-scheme","value":")"} + (dark ? "dark" : "light") +
                                           R"("},)"
                                           R"({"name":"prefers-reduced-motion","value":"reduce"}]})");
}

void Browser::open(const std::string& url) {
    call("Page.navigate", "{\"url\":" + json_string(url) + "}");
}

std::string Browser::evaluate(const std::string& expression) {
    const config::JsonText read =
        config::parse_json(call("Runtime.evaluate", "{\"returnByValue\":true,\"awaitPromise\":true,\"expression\":" + json_string(expression) + "}"));
    if (read.dom.HasMember("exceptionDetails")) throw std::runtime_error(expression + ": " + at(read.dom, {"exceptionDetails"}));
    return at(read.dom, {"result", "value"});
}

std::string Browser::text_of(const std::string& selector) {
    return evaluate("(document.querySelector(" + json_string(selector) + ") || {innerText: ''}).innerText");
}

bool Browser::until(const std::string& expression, std::chrono::seconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (std::chrono::steady_clock::now() < end) {
        if (evaluate("!!(" + expression + ")") == "true") return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    return false;
}

void Browser::screenshot(const std::string& file) {
    const config::JsonText read = config::parse_json(call("Page.captureScreenshot", R"({"format":"png","captureBeyondViewport":true})"));
    std::ofstream{file, std::ios::binary} << from_base64(at(read.dom, {"data"}));
}

std::vector<std::string> Browser::complaints() {
    (void)evaluate("0"); // what was on its way is here
    return complaints_;
}

} // namespace fluxgate::test
