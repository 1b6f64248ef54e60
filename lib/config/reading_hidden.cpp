// Messages without the values that came from the environment.
#include "config/reading.hpp"

#include "config/show.hpp"

#include <algorithm>

namespace fluxgate::config {

namespace {

// Shorter ones say nothing, and would be found in every other word.
constexpr std::size_t least_hidden = 3;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    if (what.empty()) return;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
}

// The parts of a message in quotation marks that are a part of the value: a host out of a URL.
void replace_quoted_parts(std::string& message, const HiddenValue& hidden, std::string_view document) {
    for (std::size_t open = message.find('"'); open != std::string::npos;) {
        const std::size_t close = message.find('"', open + 1);
        if (close == std::string::npos) return;
        const std::string part = message.substr(open + 1, close - open - 1);
        std::size_t next = close + 1;
        if (part.size() >= least_hidden && hidden.text.find(part) != std::string::npos && document.find(part) == std::string_view::npos) {
            message.replace(open, close + 1 - open, hidden.written);
            next = open + hidden.written.size();
        }
        open = message.find('"', next);
    }
}

std::string cleaned(Violation& violation, const HiddenValue& hidden, std::string_view document) {
    std::string message = violation.message;
    if (violation.pointer == hidden.pointer) {
        if (const std::size_t found = message.rfind("; found "); found != std::string::npos) {
            message.resize(found);
            message += "; what " + hidden.written + " gives is something else (" + std::to_string(hidden.text.size()) +
                       (hidden.text.size() == 1 ? " byte" : " bytes") + ", not shown)";
        }
    }
    std::vector<std::string> wanted = hidden.values;
    wanted.push_back(hidden.text);
    std::sort(wanted.begin(), wanted.end(), [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    for (const std::string& value : wanted) {
        if (value.size() < least_hidden || document.find(value) != std::string_view::npos) continue;
        replace_all(message, quoted(value), hidden.written); // a long one is cut there
        replace_all(message, value, hidden.written);
    }
    replace_quoted_parts(message, hidden, document);
    return message;
}

} // namespace

std::vector<Violation> without_hidden(std::vector<Violation> found, const PreparedDocument& prepared, std::string_view text) {
    const auto says_nothing = [&prepared](const Violation& v) {
        return std::find(prepared.faulty.begin(), prepared.faulty.end(), v.pointer) != prepared.faulty.end();
    };
    found.erase(std::remove_if(found.begin(), found.end(), says_nothing), found.end());
    for (Violation& violation : found)
        for (const HiddenValue& hidden : prepared.hidden)
            violation.message = cleaned(violation, hidden, text);
    return found;
}

} // namespace fluxgate::config
