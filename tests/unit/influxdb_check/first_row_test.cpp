#include "first_row.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate;
using namespace fluxgate::influxdb;

namespace {

const std::string answer = "#datatype,string,long,double,string\r\n#group,false,false,false,true\r\n#default,_result,,,\r\n"
                           ",result,table,_value,machine\r\n,,0,1.5,press-1\r\n,,0,2.5,press-2\r\n\r\n";

Settings settings_with(Strategy strategy, const std::string& expression) {
    Settings s;
    s.partition_count = 4;
    s.strategy = strategy;
    s.partition_expression = expression;
    return s;
}

} // namespace

TEST_CASE("the expression is tried on the first row, wherever the answer is cut into pieces") {
    const Settings key = settings_with(Strategy::key, ".payload.machine");
    for (std::size_t piece = 1; piece <= answer.size(); piece += 7) {
        FirstRow row{key, 0};
        row.begin();
        for (std::size_t at = 0; at < answer.size() && !row.enough(); at += piece)
            row.on_body(std::string_view{answer}.substr(at, piece));
        REQUIRE(row.has_row());
        const Finding f = row.partition_finding();
        CHECK(f.status == Status::ok);
        CHECK(f.text.find("by the key \"press-1\"") != std::string::npos);
    }
    const Settings id = settings_with(Strategy::id, ".payload._value | floor");
    FirstRow row{id, 0};
    row.begin();
    row.on_body(answer);
    CHECK(row.partition_finding().text == "the first row goes to partition 1");
}

TEST_CASE("an expression that fails on the first row is a failure with jq's words") {
    struct Case {
        const char *expression, *word;
    };
    for (const Case& c : {Case{".payload.machine", "partition-type"}, Case{".payload._value * 100 | floor", "partition-range"},
                          Case{".payload.machine | error", "jq-error"}, Case{"empty", "partition-none"}}) {
        const Settings s = settings_with(Strategy::id, c.expression);
        FirstRow row{s, 0};
        row.begin();
        row.on_body(answer);
        const Finding f = row.partition_finding();
        INFO(f.text);
        CHECK(f.status == Status::failed);
        CHECK(f.text.find(c.word) != std::string::npos);
        CHECK(f.next.find("partitionStrategy.expression") != std::string::npos);
    }
}

TEST_CASE("without a row there is nothing to try, which is no failure") {
    const Settings s = settings_with(Strategy::id, "0");
    FirstRow row{s, 0};
    row.begin();
    row.on_body("\r\n");
    CHECK_FALSE(row.enough());
    CHECK(row.finish().empty());
    CHECK(row.partition_finding().status == Status::ok);
    CHECK(row.partition_finding().text.find("no rows") != std::string::npos);
}

TEST_CASE("a first row that is no message is a warning, and an answer that is no CSV a failure") {
    const Settings s = settings_with(Strategy::id, "0");
    FirstRow row{s, 0};
    row.begin();
    std::string bad = answer;
    bad.replace(bad.find("1.5"), 3, "abc");
    row.on_body(bad);
    CHECK(row.partition_finding().status == Status::warning);
    CHECK(row.partition_finding().text.find("type-mismatch") != std::string::npos);
    row.begin();
    row.on_body("<html>\r\nnope\r\n");
    CHECK_FALSE(row.has_row());
    CHECK(row.failure() != nullptr);
}
