// The table of events in service.md says what the source says: each event, its levels and its fields.
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

struct Event {
    std::set<std::string> levels, fields;
    bool operator==(const Event& other) const { return levels == other.levels && fields == other.fields; }
};
using Events = std::map<std::string, Event>;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    REQUIRE(in);
    return {std::istreambuf_iterator<char>{in}, {}};
}

// The arguments of a call, from behind its parenthesis.
std::string arguments_at(const std::string& text, std::size_t at) {
    int depth = 1;
    bool quoted = false;
    std::size_t end = at;
    for (; end < text.size() && depth > 0; ++end) {
        const char c = text[end];
        if (quoted && c == '\\')
            ++end;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    return text.substr(at, end - at);
}

std::set<std::string> all_of(const std::string& text, const char* pattern) {
    std::set<std::string> out;
    const std::regex one{pattern};
    for (std::sregex_iterator at{text.begin(), text.end(), one}, end; at != end; ++at) {
        std::string word = (*at)[1];
        for (char& c : word)
            if (c >= 'A' && c <= 'Z' && std::string{pattern}.find("LogLevel") != std::string::npos) c = static_cast<char>(c - 'A' + 'a');
        out.insert(word);
    }
    return out;
}

Events events_of_source() {
    Events out;
    for (const char* folder : {"/lib", "/stages", "/examples/runner"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator{std::string{FLUXGATE_SOURCE_DIR} + folder}) {
            if (entry.path().extension() != ".cpp") continue;
            const std::string text = text_of(entry.path());
            for (std::size_t at = text.find("log("); at != std::string::npos; at = text.find("log(", at + 4)) {
                const std::string call = arguments_at(text, at + 4);
                const std::set<std::string> names = all_of(call, "\"([a-z-]+\\.[a-z0-9_-]+)\"");
                const std::set<std::string> levels = all_of(call, "(?:LogLevel::|FG_LOG_)([A-Za-z]+)");
                if (names.empty() || levels.empty()) continue; // no call with an event of its own
                INFO(entry.path() << ": " << call);
                REQUIRE(names.size() == 1);
                Event& event = out[*names.begin()];
                event.levels.insert(levels.begin(), levels.end());
                for (const std::string& field : all_of(call, "\\{\\s*\"([A-Za-z_]+)\"\\s*,"))
                    if (field != "pipeline" && field != "stage" && field != "partition") event.fields.insert(field);
            }
        }
    return out;
}

Events events_of_page() {
    Events out;
    std::istringstream page{text_of(std::string{FLUXGATE_SOURCE_DIR} + "/examples/runner/service.md")};
    for (std::string line; std::getline(page, line);) {
        std::smatch cells;
        if (!std::regex_match(line, cells, std::regex{"\\| `([a-z-]+\\.[a-z0-9_-]+)` \\| ([^|]*) \\| ([^|]*) \\| ([^|]+) \\|"})) continue;
        INFO(line);
        REQUIRE(out.count(cells[1]) == 0);
        out[cells[1]] = {all_of(cells[2].str(), "([a-z]+)"), all_of(cells[3].str(), "`([A-Za-z_]+)`")};
    }
    return out;
}

std::string shown(const Event& event) {
    std::string out = "levels";
    for (const std::string& level : event.levels)
        out += " " + level;
    out += ", fields";
    for (const std::string& field : event.fields)
        out += " " + field;
    return out;
}

} // namespace

TEST_CASE("the table of log events in service.md holds every event of the source with its levels and fields, and no other") {
    const Events source = events_of_source();
    Events page = events_of_page();
    CHECK(page.erase("log.repeated") == 1); // written by the log itself; its own test holds its fields
    CHECK(source.size() > 30);
    for (const auto& [name, event] : source) {
        INFO(name << " is logged with " << shown(event));
        const bool told = page.count(name) != 0;
        CHECK(told);
        if (told && !(page.at(name) == event)) FAIL_CHECK("service.md says " << shown(page.at(name)));
    }
    for (const auto& [name, event] : page)
        if (source.count(name) == 0) FAIL_CHECK("service.md tells of " << name << ", which nobody logs");
}
