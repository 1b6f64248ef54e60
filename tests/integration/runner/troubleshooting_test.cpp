// The table "When things go wrong" of the README: each row stands on a text that the program has, so it cannot speak of one that is gone.
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

// What the first column shows, and the string of the source that it comes from. `shown`: what of the string a person sees in it.
struct Seen {
    std::string file, literal;
};

const std::multimap<std::string, Seen> rows{
    {"`error at /...`, exit 2", {"examples/runner/commands.cpp", " at "}},
    {"`error at /...`, exit 2", {"examples/runner/commands.cpp", "error"}},
    {"`there is no stage type ...`", {"lib/config/pipeline_document.cpp", "there is no stage type "}},
    {"`plugin.refused`", {"lib/runtime/host.cpp", "plugin.refused"}},
    {"`the secret \"X\" ...`", {"lib/runtime/secrets.cpp", "the secret \\\""}},
    {"`HTTP 401`", {"stages/influxdb/request.cpp", " answered the query with HTTP "}},
    {"`HTTP 403`", {"stages/influxdb/request.cpp", " answered the query with HTTP "}},
    {"`HTTP 404`", {"stages/influxdb/request.cpp", " answered the query with HTTP "}},
    {"`HTTP 400`", {"stages/influxdb/request.cpp", " answered the query with HTTP "}},
    {"`HTTP 429`, `HTTP 5xx`", {"stages/influxdb/request.cpp", " answered the query with HTTP "}},
    {"`no connection to ...`", {"lib/http/link.cpp", "no connection to "}},
    {"`no connection to ...`", {"lib/http/exchange_text.cpp", "no connection to "}},
    {"`the host name of ...`", {"lib/http/resolver.cpp", "the host name of "}},
    {"`certificate` in the text", {"lib/http/tls.cpp", "certificate"}},
    {"`closed the connection without ...`", {"lib/http/exchange_text.cpp", " closed the connection without an answer"}},
    {"`in the middle of the answer`", {"lib/http/exchange_text.cpp", " was closed in the middle of the answer"}},
    {"`is not complete`, `cannot be used`", {"stages/influxdb/lane.cpp", " is not complete: "}},
    {"`is not complete`, `cannot be used`", {"stages/influxdb/lane.cpp", " cannot be used: "}},
    {"dead letters grow", {"examples/runner/run.cpp", "deadLetters"}},
    {"`No space left on device`", {"stages/core/root_directory.cpp", "find a free name for"}}, // its errors end with the system's words
    {"`the state is in use by process ...`", {"lib/state/lock_file.cpp", "the state is in use by "}},
    {"`the state '...' cannot be used`", {"lib/state/database.cpp", "the state '"}},
    {"`the state '...' cannot be used`", {"lib/state/database.cpp", "' cannot be used: "}},
    {"`... was removed or replaced`", {"lib/state/store.cpp", "' was removed or replaced while it was open"}},
    {"`the dead-letter file ...`", {"lib/runtime/dead_letters.cpp", "the dead-letter file "}},
    {"`reload.refused`", {"examples/runner/service.cpp", "reload.refused"}},
    {"`the document was not taken over`", {"lib/runtime/engine_reload.cpp", "the document was not taken over: "}},
    {"`service.stalled`", {"examples/runner/service.cpp", "service.stalled"}},
    {"`output.closed`, exit 0", {"lib/runtime/engine.cpp", "output.closed"}},
};

std::string text_of(const std::string& path) {
    std::ifstream in{std::string{FLUXGATE_SOURCE_DIR} + "/" + path, std::ios::binary};
    INFO(path);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>{in}, {}};
}

// Every string literal of a source file, without its quotation marks.
std::vector<std::string> literals_of(const std::string& text) {
    std::vector<std::string> out;
    static const std::regex one{R"lit("((?:[^"\\\n]|\\.)*)")lit"};
    for (std::sregex_iterator at{text.begin(), text.end(), one}, end; at != end; ++at)
        out.push_back((*at)[1]);
    return out;
}

std::set<std::string> first_column() {
    std::set<std::string> out;
    std::istringstream readme{text_of("README.md")};
    bool inside = false;
    for (std::string line; std::getline(readme, line);) {
        if (line == "| what you see | why | what to do |") inside = true;
        if (!inside) continue;
        if (line.empty()) break;
        std::smatch cells;
        if (std::regex_match(line, cells, std::regex{"\\| (.+) \\| (.+) \\| (.+) \\|"}) && cells[1] != "what you see") out.insert(cells[1]);
    }
    return out;
}

} // namespace

TEST_CASE("each row of the README's troubleshooting table stands on a text of the source, and each such text has its row") {
    std::set<std::string> known;
    for (const auto& [row, seen] : rows) {
        known.insert(row);
        const std::vector<std::string> literals = literals_of(text_of(seen.file));
        const bool there =
            std::any_of(literals.begin(), literals.end(), [&](const std::string& one) { return one.find(seen.literal) != std::string::npos; });
        if (!there) FAIL_CHECK(seen.file << " has no text \"" << seen.literal << "\" any more, which the row " << row << " tells of");
    }
    CHECK(first_column() == known);
}
