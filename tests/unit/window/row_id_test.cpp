// A row's identity, computed a second time: the bytes are put together by hand, slowly, from the text of the answer.
#include "flux/reader.hpp"
#include "support/catch.hpp"
#include "support/similar_rows.hpp"
#include "window/novelty.hpp"
#include "window/repeats.hpp"
#include "window/row_id.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::window;

namespace {

const Edges hour{*parse_instant("2026-01-01T00:00:00Z"), *parse_instant("2026-01-01T01:00:00Z")};

// The identities of the rows of a body, by the class under test.
std::vector<std::string> ids_of(const std::string& body, const Edges& window = hour) {
    flux::Reader reader;
    RowIds ids;
    ids.set_window(window);
    std::vector<std::string> out;
    reader.feed(body);
    for (flux::Event e = reader.next(); e != flux::Event::need_more; e = reader.next()) {
        REQUIRE(e != flux::Event::failed);
        if (e == flux::Event::table) ids.set_table(reader.table());
        if (e == flux::Event::row) out.push_back(hex(ids.of(reader.row())));
    }
    return out;
}

// By the definition, without any memory.
std::vector<std::string> slow_ids_of(const std::string& body, const Edges& window = hour) {
    flux::Reader reader;
    std::vector<std::string> out;
    reader.feed(body);
    for (flux::Event e = reader.next(); e != flux::Event::need_more; e = reader.next()) {
        if (e != flux::Event::row) continue;
        const flux::Table& table = reader.table();
        std::vector<std::pair<std::string, std::string>> columns;
        std::string result;
        bool timed = false;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            std::string value = flux::decode(reader.row().fields[i]);
            if (value.empty()) value = table.columns[i].default_value;
            if (static_cast<int>(i) == table.result_column) result = value;
            if (static_cast<int>(i) == table.result_column || static_cast<int>(i) == table.table_column) continue;
            timed = timed || (table.columns[i].name == "_time" && !value.empty());
            columns.emplace_back(table.columns[i].name, value);
        }
        if (timed) {
            columns.erase(std::remove_if(columns.begin(), columns.end(), [](const auto& c) { return c.first == "_start" || c.first == "_stop"; }),
                          columns.end());
        } else {
            for (const auto& [name, edge] : {std::pair{"_start", window.start}, std::pair{"_stop", window.stop}}) {
                bool there = false;
                for (auto& c : columns) {
                    if (c.first != name) continue;
                    there = true;
                    if (c.second.empty()) c.second = format_instant(edge);
                }
                if (!there) columns.emplace_back(name, format_instant(edge));
            }
        }
        std::stable_sort(columns.begin(), columns.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        std::string bytes = result + '\x1F';
        for (const auto& [name, value] : columns)
            bytes += name + '\x1F' + value + '\x1F';
        out.push_back(hex(hash128(bytes)));
    }
    return out;
}

std::string table(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines)
        out += line + "\r\n";
    return out + "\r\n";
}

const std::string types = "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string";
const std::string names = ",result,table,_start,_stop,_time,_value,host";

} // namespace

TEST_CASE("the hash is XXH3-128 as published") {
    CHECK(hex(hash128("")) == "99aa06d3014798d86001c324468d497f");
    CHECK(hex(hash128("a")) == "a96faf705af16834e6c632b61e964e1f");
}

TEST_CASE("the vector unit writes the digits that the table gives") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random{seed};
    for (int i = 0; i < 1000; ++i) {
        const Hash128 hash{random(), random()};
        std::string table(hash_digits, ' '), vector = table;
        put_hex_portable(table.data(), hash);
        put_hex(vector.data(), hash);
        REQUIRE(vector == table);
    }
    CHECK(hex({0x0123456789abcdefull, 0xfedcba9876543210ull}) == "0123456789abcdeffedcba9876543210");
}

TEST_CASE("a row's identity is that of bytes put together by hand") {
    const std::string body = table({types, "#group,false,false,true,true,false,false,true", "#default,_result,,,,,,", names,
                                    ",,0,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,2026-01-01T00:00:10Z,1.5,\"a \"\"b\"\"\""});
    const std::string bytes = "_result\x1F"
                              "_time\x1F"
                              "2026-01-01T00:00:10Z\x1F"
                              "_value\x1F"
                              "1.5\x1F"
                              "host\x1F"
                              "a \"b\"\x1F";
    CHECK(ids_of(body) == std::vector<std::string>{hex(hash128(bytes))});
}

TEST_CASE("the window, the order of columns, the table's number and the encoder's defaults do not matter to a row with a time") {
    const std::string a = table({types, "#group,false,false,true,true,false,false,true", "#default,_result,,,,,,", names,
                                 ",,0,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,2026-01-01T00:00:10Z,1.5,h"});
    const std::string b = table({"#datatype,string,long,string,double,dateTime:RFC3339", "#group,false,false,true,false,false", "#default,x,,h,,",
                                 ",result,table,host,_value,_time", ",_result,77,,1.5,2026-01-01T00:00:10Z"});
    CHECK(ids_of(a) == ids_of(b, {0, 5}));
    const std::string changed = table({types, "#group,false,false,true,true,false,false,true", "#default,_result,,,,,,", names,
                                       ",,0,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,2026-01-01T00:00:10Z,1.6,h"});
    CHECK(ids_of(a) != ids_of(changed)); // a changed value of an old point is a new row
}

TEST_CASE("a row without a time is that of its window") {
    const std::string with = table({types, "#group,false,false,true,true,false,false,true", "#default,_result,,,,,,", names,
                                    ",,0,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,,1.5,h"});
    const std::string without = table({"#datatype,string,long,dateTime:RFC3339,double,string", "#group,false,false,false,false,true",
                                       "#default,_result,,,,", ",result,table,_time,_value,host", ",,0,,1.5,h"});
    CHECK(ids_of(with) == ids_of(without));      // the window's edges stand in
    CHECK(ids_of(with) == ids_of(with, {0, 5})); // its own come first
    CHECK(ids_of(without) != ids_of(without, {0, 5}));
}

TEST_CASE("whatever changes from row to row, the identities are those of the definition") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    for (unsigned k = 0; k < 60; ++k) {
        test::SimilarRows rows{seed + k};
        std::string body = rows.body(300);
        // Names that matter: columns of the generator are c0, c1...
        for (const auto& [from, to] : {std::pair{"c0", "_time"}, std::pair{"c1", "_start"}, std::pair{"c2", "zz"}, std::pair{"c3", "_value"}}) {
            if (rows.below(3) == 0) continue;
            for (std::size_t at = body.find(std::string{","} + from); at != std::string::npos; at = body.find(std::string{","} + from, at + 1))
                body.replace(at + 1, 2, to);
        }
        INFO("body " << k);
        REQUIRE(ids_of(body) == slow_ids_of(body));
    }
}

TEST_CASE("identical rows are counted, as many distinct ones as are allowed, and no more") {
    Repeats repeats{1000};
    for (std::uint64_t i = 0; i < 1000; ++i)
        REQUIRE(repeats.count(hash128(std::to_string(i))) == 0);
    for (std::uint64_t i = 0; i < 1000; ++i)
        REQUIRE(repeats.count(hash128(std::to_string(i))) == 1);
    for (std::uint32_t i = 2; i < 300; ++i)
        REQUIRE(repeats.count(hash128("7")) == i);
    CHECK(repeats.count(hash128("another")) == Repeats::overflow);
    CHECK(repeats.count(hash128("8")) == 2); // known ones still count
    CHECK(repeats.distinct() == 1000);
    repeats.clear();
    CHECK(repeats.count(hash128("7")) == 0);
}

TEST_CASE("however rows repeat, each is counted as a map would count it") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random{seed};
    Repeats repeats;
    for (const std::uint64_t different : {100u, 5'000u, 200'000u}) {
        repeats.clear();
        std::unordered_map<std::uint64_t, std::uint32_t> truth;
        for (int i = 0; i < 300'000; ++i) {
            const std::uint64_t row = random() % different;
            const std::uint32_t before = truth[row]++;
            if (repeats.count(hash128(std::to_string(row))) != before) FAIL("row " << row << " came " << before << " times");
        }
        CHECK(repeats.distinct() == truth.size());
    }
}

TEST_CASE("rows that are known to be new count like others, whenever they are noted down") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random{seed};
    Repeats repeats;
    for (int round = 0; round < 4; ++round) {
        repeats.clear();
        std::unordered_map<std::uint64_t, std::uint32_t> truth;
        const std::uint64_t seldom = round % 2 == 0 ? 3 : 20'000; // one look among so many
        for (std::uint64_t i = 0; i < 100'000; ++i) {
            if (random() % seldom != 0) {
                REQUIRE(repeats.add_new(hash128(std::to_string(i))));
                truth[i] = 1;
                continue;
            }
            const std::uint64_t row = random() % (i + 1);
            const std::uint32_t before = truth[row]++;
            if (repeats.count(hash128(std::to_string(row))) != before) FAIL("row " << row << " came " << before << " times");
            if (row == i) continue;
            truth[i] = 1;
            REQUIRE(repeats.add_new(hash128(std::to_string(i))));
        }
        CHECK(repeats.distinct() == truth.size());
    }
}

TEST_CASE("rows that are known to be new have the same bound") {
    Repeats repeats{1000};
    for (std::uint64_t i = 0; i < 1000; ++i)
        REQUIRE(repeats.add_new(hash128(std::to_string(i))));
    CHECK_FALSE(repeats.add_new(hash128("another")));
    CHECK(repeats.count(hash128("another")) == Repeats::overflow);
    CHECK(repeats.count(hash128("7")) == 1);
}

TEST_CASE("as many distinct rows as a window may have fit into 64 MiB") {
    Repeats repeats;
    for (std::uint64_t i = 0; i < Repeats::most; ++i)
        if (repeats.count({i * 0x9E3779B97F4A7C15ull, i}) != 0) FAIL("row " << i);
    CHECK(repeats.distinct() == Repeats::most);
    CHECK(repeats.bytes() <= (64u << 20));
    CHECK(repeats.count(hash128("one more")) == Repeats::overflow);
}
