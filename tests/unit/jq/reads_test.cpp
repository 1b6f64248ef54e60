#include "jq/reads.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>

using fluxgate::jq::analyse;
using fluxgate::jq::Reads;

namespace {

// "everything", or the columns and "$result" / "$table", separated by spaces.
std::string reads(std::string_view expression) {
    const Reads r = analyse(expression);
    if (r.everything) return "everything";
    std::string out;
    const auto add = [&out](std::string_view word) { out.append(out.empty() ? "" : " ").append(word); };
    for (const std::string& column : r.payload)
        add(column);
    if (r.result) add("$result");
    if (r.table) add("$table");
    return out;
}

struct Row {
    const char* expression;
    const char* expected;
};

} // namespace

TEST_CASE("the reads of an expression are the columns that its value depends on") {
    const Row rows[] = {
        // constants
        {"0", ""},
        {"\"a\"", ""},
        {"null", ""},
        {"[1, 2]", ""},
        {"{a: 1}", ""},
        {"1 + 2 * -3", ""},
        {"empty", ""},
        {"error(\"x\")", ""},
        {"# comment\n1", ""},
        // paths
        {".payload.host", "host"},
        {".payload .host", "host"},
        {".payload[\"host\"]", "host"},
        {".payload.\"host\"", "host"},
        {".[\"payload\"].host", "host"},
        {".\"payload\".host", "host"},
        {".payload?.host?", "host"},
        {".payload.\"a b\\u00e9\\n\"", "a b\xC3\xA9\n"},
        {".payload | .host", "host"},
        {". | .payload | . | .host", "host"},
        {"(.payload).host", "host"},
        {".properties.result", "$result"},
        {".properties | .table", "$table"},
        {".payload.host, .properties.table", "host $table"},
        {".payload.a.b", "a"},
        {".payload.a[0]", "a"},
        {".payload.a[1:2]", "a"},
        {".payload.a[:2]", "a"},
        {".payload.a[]?", "a"},
        {".payload.payload", "payload"},
        {".payload.a | .payload", "a"},
        {".payload.a | .payload.b | .properties.result", "a"},
        {".payload | has(\"a\")", "a"},
        // operators
        {".payload.a + .payload.b", "a b"},
        {".payload.b + .payload.a + .payload.b", "a b"},
        {".payload.a // .payload.b // \"x\"", "a b"},
        {".payload.a == 1 and .payload.b != 2 or (.payload.c | not)", "a b c"},
        {"-(.payload.a) % 4", "a"},
        {"(.payload // .properties.result | 1)", "everything"},
        {".payload.a?, 1", "a"},
        {"if .payload.a then .payload.b elif .payload.c then .payload.d else 0 end", "a b c d"},
        {"if .payload.a == 1 then .payload else .payload end | .x", "a x"},
        {"try .payload.a catch .", "a"},
        {"try error(.payload.a) catch .payload.b", "a"},
        // bindings
        {".payload.a as $x | .payload.b", "a b"},
        {".payload.a as $x | $x", "a"},
        {".payload as $p | .properties.table | $p.a", "a $table"},
        {". as $m | .payload.a | . + $m.payload.b", "a b"},
        {".payload.a as $x | (.payload.b as $x | $x) | $x", "a b"},
        {"1 + .payload.a as $x | $x + .payload.c", "a c"},
        // strings and formats
        {"\"\\(.payload.host)-\\(.payload.unit)\"", "host unit"},
        {".payload | \"\\(.a)/\\(\"\\(.b)\")\"", "a b"},
        {".payload.a | @base64", "a"},
        {"@uri \"x=\\(.payload.a)\"", "a"},
        // construction
        {"[.payload.a, .payload.b] | join(\"-\")", "a b"},
        {"[.payload | .a, .b]", "a b"},
        {".payload | {a, \"b\": .c, (.d): 1, \"e\"}", "a c d e"},
        {"{x: .payload.a | tostring, y: -1}", "a"},
        {".payload.a as $x | {$x} | .x", "a"},
        // functions
        {".payload.host | ascii_downcase", "host"},
        {".payload.host | test(\"^a\")", "host"},
        {".payload.host | sub(\"a\"; \"b\"; \"g\")", "host"},
        {".payload.host | capture(\"(?<n>[0-9]+)\").n | tonumber", "host"},
        {".payload.host | split(\"-\")[0]", "host"},
        {".payload.host | split(\"-\") | map(tonumber) | add % 4", "host"},
        {".payload.v | floor % 4", "v"},
        {".payload | select(.a == 1) | .b", "a b"},
        {"select(.payload.a == 1) | .payload.b", "a b"},
        {"first(.payload.a, .payload.b)", "a b"},
        {".payload.a | startswith(\"x\")", "a"},
        {".payload.a | IN(\"x\", \"y\")", "a"},
        {"[.payload.a, .payload.b] | any(. == 1)", "a b"},
        {".payload.a | length", "a"},
        {"[range(3)] | length", ""},
    };
    for (const Row& row : rows) {
        INFO(row.expression);
        CHECK(reads(row.expression) == row.expected);
    }
}

TEST_CASE("where the analysis is not certain it answers everything") {
    for (const char* expression : {
             // the message or an object of it as a whole
             ".",
             ".payload",
             ".properties",
             ".systemProperties.timestamp",
             ".userProperties",
             ".other",
             ".properties.window",
             "[.]",
             "{a: .}",
             "\"\\(.)\"",
             "\"\\(.payload)\"",
             "tojson",
             ".payload | tojson",
             ".payload | keys",
             ".payload | length",
             ".payload[]",
             ".[]",
             ".payload | to_entries",
             ".payload | map(1)",
             ".payload | has(.a)",
             "has(\"payload\")",
             ".payload == 1",
             ". == .",
             ".payload | not",
             "if .payload then 1 else 2 end",
             "error",
             ".payload | error",
             "error(.)",
             "try error(.) catch .payload.a",
             "@json",
             "length",
             "., .payload | .a",
             ".payload.a, .payload",
             ". as $x | $x",
             ".payload | tostring",
             ".payload.a + .payload",
             "first(.)",
             // names that are not constant
             ".payload[.payload.a]",
             ".payload[\"a\" + \"b\"]",
             ".payload.\"a\\(1)\"",
             ".[\"pay\" + \"load\"].a",
             ".payload[0]",
             ".payload[1:]",
             // what is not understood
             "..",
             ".payload | ..",
             ".payload.a = 1",
             ".payload.a |= 1 | .payload.a",
             ".payload.a += 1",
             ".payload.a //= 1",
             "def f: .payload.a; f",
             "def tostring: 1; .payload.a | tostring",
             "label $f | .payload.a",
             "limit(1; .payload.a)",
             "reduce .payload.a as $x (0; 1)",
             "foreach .payload.a as $x (0; 1)",
             "getpath([\"payload\",\"a\"])",
             "[paths]",
             ".payload.a | unknown",
             "$__loc__",
             "$x",
             "now",
             ".payload.a as [$x] | $x",
             ".payload.a as {b: $x} | $x",
             ".payload.a as $x ?// $y | $x",
             "try -1",
             "del(.payload.a)",
             "input",
             "path(.payload.a)",
             ".payload | getpath([\"a\"])",
             "0 | todate",
             "env.PATH",
             "builtins",
             "recurse | 1",
             "1 as $x | 2 as $y | $z",
             // not jq, or cut differently by different versions
             "",
             ".payload.a )",
             "(.payload.a",
             ".payload.a b",
             "\"",
             ".payload.a \\",
             "1 # \\\n + .payload.a",
             "1.2.3",
             "{a: 1",
             "if 1 then 2",
         }) {
        INFO(expression);
        CHECK(reads(expression) == "everything");
    }
}

TEST_CASE("deep nesting ends the analysis, not the stack") {
    const std::string open(50000, '(');
    const std::string close(50000, ')');
    CHECK(reads(open + "1" + close) == "everything");
    CHECK(reads(std::string(50000, '-') + "1") == "everything");
    CHECK(reads(std::string(50000, '[')) == "everything");
    std::string interpolated = "1";
    for (int i = 0; i < 3000; ++i)
        interpolated.insert(0, "\"\\(").append(")\"");
    CHECK(reads(interpolated) == "everything");
    std::string pipes = "1";
    for (int i = 0; i < 50000; ++i)
        pipes += "|1";
    CHECK(reads(pipes) == "everything");
    std::string elifs = "if 1 then 1";
    for (int i = 0; i < 50000; ++i)
        elifs += " elif 1 then 1";
    CHECK(reads(elifs + " else 2 end") == "");
}
