// A real Chromium without a window, driven over its DevTools protocol: JSON messages on two pipes
// (https://chromedevtools.github.io/devtools-protocol/), so that no other program or library is needed.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fluxgate::test {

// Where it is installed, or "".
std::string chromium();

class Browser {
public:
    explicit Browser(const std::string& program); // throws std::runtime_error when it does not start
    ~Browser();
    Browser(const Browser&) = delete;
    Browser& operator=(const Browser&) = delete;

    // The size of the page in CSS pixels, and what it is told of the person's preference.
    void look(int width, int height, bool dark);
    void open(const std::string& url);
    // The value of a JavaScript expression, as JSON; throws when it throws.
    std::string evaluate(const std::string& expression);
    std::string text_of(const std::string& selector); // innerText, or "" when there is none
    // Asks until the expression is true, at most that long.
    bool until(const std::string& expression, std::chrono::seconds most);
    // The whole page as PNG.
    void screenshot(const std::string& file);

    // What the browser had to complain about: console errors, refused content, exceptions.
    [[nodiscard]] std::vector<std::string> complaints();
    // Every address that the page asked for.
    [[nodiscard]] const std::vector<std::string>& requests() const noexcept { return requests_; }

private:
    std::string call(const std::string& method, const std::string& parameters, bool of_page = true);
    std::string receive(std::chrono::steady_clock::time_point until);
    void note(const std::string& message);

    int pid_ = -1, to_ = -1, from_ = -1;
    int next_ = 1;
    std::string session_, buffer_, profile_;
    std::vector<std::string> complaints_, requests_;
};

} // namespace fluxgate::test
