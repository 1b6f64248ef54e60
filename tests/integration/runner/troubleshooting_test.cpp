// The table "When things go wrong" of the README: what a row shows is what the program says when it is provoked (troubles.cpp), or, where
// that is not in a test's power, a text that the source has. So the table cannot speak of a text that is gone.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "troubles.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace fluxgate;

namespace {

// Where the text of a row that is not provoked comes from.
struct Seen {
    std::string file, literal;
};

const std::multimap<std::string, Seen> not_provoked{
    {"dead letters grow", {"examples/runner/run.cpp", "deadLetters"}}, // a number that grows, no text
    {"`the document was not taken over`", {"lib/runtime/engine_reload.cpp", "the document was not taken over: "}},
    {"`service.stalled`", {"examples/runner/service.cpp", "service.stalled"}},
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

// What a span of the table stands for: "..." and X for any text, 5xx for a status.
std::regex pattern_of(const std::string& span) {
    std::string out;
    for (const char c : span)
        out += std::string_view{".()[]{}*+?^$|\\"}.find(c) == std::string_view::npos ? std::string{c} : std::string{'\\', c};
    out = std::regex_replace(out, std::regex{R"(\\\.\\\.\\\.|X)"}, ".+");
    return std::regex{std::regex_replace(out, std::regex{"5xx"}, "5[0-9][0-9]")};
}

// Every text between backticks.
std::set<std::string> spans_of(const std::string& row) {
    std::set<std::string> out;
    static const std::regex one{"`([^`]+)`"};
    for (std::sregex_iterator at{row.begin(), row.end(), one}, end; at != end; ++at)
        out.insert((*at)[1]);
    return out;
}

} // namespace

TEST_CASE("each row of the README's troubleshooting table is provoked, or stands on a text of the source; and nothing else is") {
    std::map<std::string, std::set<std::string>> provoked;
    for (const test::Trouble& trouble : test::troubles())
        provoked[trouble.row].insert(trouble.span);
    std::set<std::string> known;
    for (const auto& [row, spans] : provoked) {
        INFO(row);
        CHECK(spans == spans_of(row)); // all that the row shows
        known.insert(row);
    }
    for (const auto& one : not_provoked) {
        const auto& row = one.first;
        const auto& seen = one.second;
        INFO(row);
        CHECK(provoked.count(row) == 0);
        known.insert(row);
        const std::vector<std::string> literals = literals_of(text_of(seen.file));
        const bool there = std::any_of(literals.begin(), literals.end(),
                                       [&](const std::string& literal) { return literal.find(seen.literal) != std::string::npos; });
        if (!there) FAIL_CHECK(seen.file << " has no text \"" << seen.literal << "\" any more, which the row " << row << " tells of");
    }
    CHECK(first_column() == known);
}

TEST_CASE("what the program says when it is provoked is what the README's troubleshooting table shows") {
    for (const test::Trouble& trouble : test::troubles()) {
        DYNAMIC_SECTION(trouble.span) {
            const test::Finished f = trouble.provoke();
            const std::vector<std::string> lines = test::lines_of(std::regex_replace(f.err, std::regex{R"(\\")"}, "\"")); // as text logs quote
            const std::regex wanted = pattern_of(trouble.span);
            INFO(trouble.row << "\nexit " << f.code << "\n" << f.err);
            CHECK(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return std::regex_search(line, wanted); }));
            CHECK_FALSE(f.hung);
            CHECK((f.out + f.err).find(test::token) == std::string::npos);
            std::smatch code;
            if (std::regex_search(trouble.row, code, std::regex{"exit ([0-9]+)"})) CHECK(f.code == std::stoi(code[1]));
        }
    }
}
