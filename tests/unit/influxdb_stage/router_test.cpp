// The memory of partition expressions: the same as asking libjq about every row.
#include "flux/reader.hpp"
#include "router.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace fluxgate;

namespace {

struct Setup {
    flux::Reader reader;
    message::Renderer renderer{{}};
    influxdb::Router router;

    explicit Setup(const std::string& expression, std::uint32_t count = 16)
        : router(std::move(partition::Partitioner::create(partition::Strategy::key, expression, count)).value(), partition::Strategy::key) {}

    // For each row: "partition head" or "code", and whether it was remembered.
    std::vector<std::pair<std::string, bool>> route(const std::string& body) {
        std::vector<std::pair<std::string, bool>> out;
        reader.reset();
        reader.feed(body);
        for (flux::Event e = reader.next(); e != flux::Event::need_more; e = reader.next()) {
            REQUIRE(e != flux::Event::failed);
            if (e == flux::Event::table) {
                renderer.set_table(reader.table());
                router.set_table(reader.table(), renderer);
            }
            if (e != flux::Event::row) continue;
            const influxdb::Target* known = router.find(reader.row());
            const bool remembered = known != nullptr;
            if (!remembered) {
                message::Buffer text;
                message::append_probe_head(text, "T");
                message::PayloadSpan span;
                message::RowFault fault;
                REQUIRE(renderer.append_tail(reader.row(), text, span, fault));
                known = &router.ask(reader.row(), renderer, text.view());
            }
            out.emplace_back(known->dead_letter.empty() ? std::to_string(known->partition) + known->head_end : std::string{known->dead_letter},
                             remembered);
        }
        return out;
    }
};

std::string table(const std::string& type, const std::string& name, const std::vector<std::string>& values) {
    std::string body = "#datatype,string,long,dateTime:RFC3339," + type +
                       "\r\n#group,false,false,false,true\r\n#default,_result,,,\r\n,result,table,_time," + name + "\r\n";
    int i = 0;
    for (const std::string& v : values)
        body += ",,0,2026-01-01T00:00:0" + std::to_string(i++ % 10) + "Z," + v + "\r\n";
    return body;
}

} // namespace

TEST_CASE("a value is asked for once and remembered for the same bytes") {
    Setup setup{".payload.host"};
    const auto out = setup.route(table("string", "host", {"a", "b", "a", "a", "b"}));
    CHECK(setup.router.evaluations() == 2);
    CHECK_FALSE(out[0].second);
    CHECK(out[2].second);
    CHECK(out[2].first == out[0].first);
    CHECK(out[4].first == out[1].first);
    CHECK(out[0].first.find("\"partitionKey\":\"a\"") != std::string::npos);
}

TEST_CASE("the same bytes of another type, a null, and a column that is not there are different values") {
    Setup setup{".payload.host"};
    const auto text = setup.route(table("string", "host", {"1", ""}));
    const auto number = setup.route(table("long", "host", {"1", ""}));
    const auto absent = setup.route(table("string", "other", {"1"}));
    CHECK(text[1].first == "partition-type");
    CHECK(number[0].first == text[0].first); // the key "1" either way, but asked for on its own
    CHECK_FALSE(number[0].second);
    CHECK(absent[0].first == "partition-type");
    CHECK_FALSE(absent[0].second);
    CHECK(setup.route(table("string", "host", {"1"}))[0].second);
}

TEST_CASE("failures are remembered like values") {
    Setup setup{".payload.host | if . == \"bad\" then error(\"no\") else . end"};
    const auto out = setup.route(table("string", "host", {"bad", "good", "bad"}));
    CHECK(out[0].first == "jq-error");
    CHECK(out[2] == std::pair<std::string, bool>{"jq-error", true});
}

TEST_CASE("behind the first 4,096 values one is remembered when it comes the second time, and the one before always") {
    Setup setup{".payload.host", 4};
    std::vector<std::string> values;
    for (int i = 0; i < 4096; ++i)
        values.push_back("early" + std::to_string(i));
    setup.route(table("string", "host", values));
    CHECK(setup.router.evaluations() == 4096);
    const auto out = setup.route(table("string", "host", {"x", "y", "x", "y", "x", "z", "z", "early7"}));
    const std::vector<bool> remembered{false, false, false, false, true, false, true, true};
    for (std::size_t i = 0; i < out.size(); ++i)
        CHECK(out[i].second == remembered[i]);
    CHECK(out[4].first == out[0].first);
    CHECK(out[6].first == out[5].first);
}

TEST_CASE("an expression that may read anything is asked about every row") {
    Setup setup{".payload | ._time"};
    setup.route(table("string", "host", {"a", "a", "a"}));
    CHECK(setup.router.evaluations() >= 1);
    Setup everything{"[.payload[]] | .[1]"};
    const auto out = everything.route(table("string", "host", {"a", "a", "a"}));
    CHECK(everything.router.evaluations() == 3);
    for (const auto& [value, remembered] : out)
        CHECK_FALSE(remembered);
}

TEST_CASE("quoted and unquoted bytes of one text give the same partition") {
    Setup setup{".payload.host"};
    const auto out = setup.route(table("string", "host", {"abc", "\"abc\"", "\"a\"\"b\"", "\"a,b\""}));
    CHECK(out[0].first == out[1].first);
    CHECK(out[2].first.find("a\\\"b") != std::string::npos);
}

TEST_CASE("remembered targets equal those of plain evaluation on random rows") {
    const char* fixed = std::getenv("FLUXGATE_SEED");
    const auto seed = fixed != nullptr ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    for (const std::string expression : {".payload.host", ".payload.host | ascii_downcase", ".payload.host // \"none\"",
                                         ".payload.host | tostring | .[0:2]", "\"\\(.payload.host)-x\""}) {
        std::vector<std::string> values;
        const std::vector<std::string> pool{"a", "A", "ab", "\"a\"\"b\"", "", "\xC3\xA9", "0", "true", "\"x\r\ny\"", std::string(140, 'k')};
        for (int i = 0; i < 60; ++i)
            values.push_back(pool[random() % pool.size()]);
        Setup remembering{expression};
        const auto with = remembering.route(table("string", "host", values));
        REQUIRE(remembering.router.hits() > 0);
        for (std::size_t i = 0; i < values.size(); ++i) {
            Setup fresh{expression};
            INFO(expression << " row " << i);
            REQUIRE(fresh.route(table("string", "host", {values[i]}))[0].first == with[i].first);
            if (i == 8) break; // compiling costs; the pool is covered by then with high odds and all rounds together
        }
    }
}
