// Which rows are called new without a look at the others, beside a map of all rows.
#include "flux/reader.hpp"
#include "support/catch.hpp"
#include "support/similar_rows.hpp"
#include "window/novelty.hpp"
#include "window/repeats.hpp"
#include "window/row_id.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::window;

namespace {

struct Seen {
    std::vector<std::uint32_t> before; // how often each row came before, as Repeats says
    std::size_t called_new = 0, rows = 0;
    std::vector<std::pair<std::string, std::string>> identities; // each row's, and its time where Novelty tells one
    std::optional<std::string> newest;
};

// Every row of the body, some of them through Repeats::add_new; and the same by a map, which must not differ.
Seen counted(const std::string& body, Novelty& novelty, Repeats& repeats) {
    flux::Reader reader;
    RowIds ids;
    ids.set_window({0, 1'000'000'000});
    std::map<std::string, std::uint32_t> truth;
    Seen seen;
    novelty.clear();
    repeats.clear();
    reader.feed(body);
    for (flux::Event e = reader.next(); e != flux::Event::need_more; e = reader.next()) {
        REQUIRE(e != flux::Event::failed);
        if (e == flux::Event::table) {
            ids.set_table(reader.table());
            novelty.set_table(reader.table());
        }
        if (e != flux::Event::row) continue;
        const Hash128 id = ids.of(reader.row());
        const bool is_new = novelty.is_new(reader.row());
        if (is_new) REQUIRE(repeats.add_new(id));
        const std::uint32_t before = is_new ? 0 : repeats.count(id);
        const std::uint32_t wanted = truth[hex(id)]++;
        if (before != wanted) FAIL("row " << seen.rows << " (" << reader.row().raw << ") came " << wanted << " times, not " << before);
        seen.before.push_back(before);
        seen.called_new += is_new ? 1 : 0;
        seen.identities.emplace_back(hex(id), novelty.time());
        ++seen.rows;
    }
    REQUIRE(repeats.distinct() == truth.size());
    seen.newest = novelty.newest();
    return seen;
}

Seen counted(const std::string& body) {
    Novelty novelty;
    Repeats repeats;
    return counted(body, novelty, repeats);
}

std::string lines(const std::vector<std::string>& all) {
    std::string out;
    for (const std::string& line : all)
        out += line + "\r\n";
    return out;
}

// A table of the columns _time, _value, host and dc; `grouped` says of each whether it is in the group key.
std::string head(const std::string& grouped = "false,false,true,true", const std::string& names = "_time,_value,host,dc") {
    return lines({"#datatype,string,long,dateTime:RFC3339,double,string,string", "#group,false,false," + grouped, "#default,_result,,,,,",
                  ",result,table," + names});
}

std::string at(int second, const std::string& rest = "1,h,d") {
    return ",,0,2026-01-01T00:00:" + std::string{second < 10 ? "0" : ""} + std::to_string(second) + "Z," + rest + "\r\n";
}

} // namespace

TEST_CASE("rows of a series whose times rise are called new, and a repeated one is found all the same") {
    const Seen seen = counted(head() + at(1) + at(2) + at(3) + at(2) + at(3) + at(4) + at(4) + at(4) + "\r\n");
    CHECK(seen.before == std::vector<std::uint32_t>{0, 0, 0, 1, 1, 0, 1, 2});
    CHECK(seen.called_new == 4);
}

TEST_CASE("each series has its own times, however often its table begins anew") {
    const Seen seen = counted(head() + at(1, "1,a,d") + at(2, "1,a,d") + at(1, "1,b,d") + at(2, "1,b,d") + "\r\n" + head() + at(3, "1,a,d") +
                              at(2, "1,b,d") + at(9, "1,b,d") + "\r\n");
    CHECK(seen.before == std::vector<std::uint32_t>{0, 0, 0, 0, 0, 1, 0});
    CHECK(seen.called_new == 6);
}

TEST_CASE("times with and without decimals keep their order") {
    const std::string day = ",,0,2026-01-01T00:00:0";
    const Seen seen = counted(head() + day + "1Z,1,h,d\r\n" + day + "1.5Z,1,h,d\r\n" + day + "1.53Z,1,h,d\r\n" + day + "2Z,1,h,d\r\n" + "\r\n");
    CHECK(seen.called_new == 4);
}

TEST_CASE("the order of columns and the name of the result's column make no series another") {
    const std::string other = lines({"#datatype,string,long,string,string,double,dateTime:RFC3339", "#group,false,false,true,true,false,false",
                                     "#default,_result,,,,,", ",result,table,dc,host,_value,_time"});
    const Seen seen = counted(head() + at(1) + "\r\n" + other + ",,0,d,h,1,2026-01-01T00:00:01Z\r\n\r\n");
    CHECK(seen.before == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("a result without a name is as one that the server did not send") {
    const std::string without = lines({"#datatype,dateTime:RFC3339,string", "#group,false,true", "#default,,", ",_time,host"});
    const std::string with = lines({"#datatype,string,dateTime:RFC3339,string", "#group,false,false,true", "#default,,,", ",result,_time,host"});
    const Seen seen = counted(without + ",2026-01-01T00:00:01Z,h\r\n\r\n" + with + ",,2026-01-01T00:00:01Z,h\r\n\r\n");
    CHECK(seen.before == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("the same columns grouped in another way leave nothing certain") {
    const Seen seen =
        counted(head() + at(1) + at(2) + "\r\n" + head("false,false,true,false") + at(1) + at(5) + "\r\n" + head() + at(5) + at(6) + "\r\n");
    CHECK(seen.before == std::vector<std::uint32_t>{0, 0, 1, 0, 1, 0});
    CHECK(seen.called_new == 2);
}

TEST_CASE("a value that holds the separator can look like two, and leaves nothing certain") {
    // The identity of both rows is that of the same bytes.
    const std::string one =
        lines({"#datatype,string,long,dateTime:RFC3339,string", "#group,false,false,false,true", "#default,_result,,,", ",result,table,_time,a"});
    const std::string two = lines({"#datatype,string,long,dateTime:RFC3339,string,string", "#group,false,false,false,true,true",
                                   "#default,_result,,,,", ",result,table,_time,a,b"});
    const std::string joined = ",,0,2026-01-01T00:00:01Z,x\x1F"
                               "b\x1F"
                               "y\r\n",
                      apart = ",,0,2026-01-01T00:00:01Z,x,y\r\n";
    CHECK(counted(one + joined + "\r\n" + two + apart + "\r\n").before == std::vector<std::uint32_t>{0, 1});
    CHECK(counted(two + apart + "\r\n" + one + joined + "\r\n").before == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("a column of that name in the group key makes a series of each time") {
    const Seen seen = counted(head("true,false,true,true") + at(2) + at(1) + at(2) + "\r\n");
    CHECK(seen.before == std::vector<std::uint32_t>{0, 0, 1});
}

TEST_CASE("more series than are remembered leave nothing certain") {
    std::string body = head();
    for (int i = 0; i < 70'000; ++i)
        body += at(1, "1,h" + std::to_string(i) + ",d");
    body += at(1, "1,h3,d") + at(2, "1,h69999,d") + at(1, "1,h69999,d");
    const Seen seen = counted(body + "\r\n");
    CHECK(std::vector<std::uint32_t>(seen.before.end() - 3, seen.before.end()) == std::vector<std::uint32_t>{1, 0, 1});
    CHECK(seen.called_new == 65'536);
}

// Random tables, some with times and some with names and values that make things uncertain.
std::string random_body(test::SimilarRows& rows) {
    std::string body = rows.body(200);
    if (rows.below(2) == 0) body += rows.body(100); // two results, one behind the other
    for (const auto& [from, to] : {std::pair{"c0", "_time"}, std::pair{"c1", "_start"}, std::pair{"c2", "_time"}, std::pair{"c3", "_value"}}) {
        if (rows.below(3) == 0) continue;
        for (std::size_t p = body.find(std::string{","} + from); p != std::string::npos; p = body.find(std::string{","} + from, p + 1))
            body.replace(p + 1, 2, to);
    }
    if (rows.below(4) == 0) {
        for (std::size_t p = body.find("grü"); p != std::string::npos; p = body.find("grü", p + 1))
            body.replace(p, 1, "\x1F");
    }
    return body;
}

TEST_CASE("whatever the rows are, a row that is called new came for the first time") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    Novelty novelty;
    Repeats repeats;
    std::size_t called_new = 0, repeated = 0;
    for (unsigned k = 0; k < 80; ++k) {
        test::SimilarRows rows{seed + k};
        INFO("body " << k);
        const Seen seen = counted(random_body(rows), novelty, repeats);
        called_new += seen.called_new;
        for (const std::uint32_t before : seen.before)
            repeated += before != 0 ? 1 : 0;
    }
    CHECK(called_new > 0);
    CHECK(repeated > 0);
}

TEST_CASE("the latest time of a window is told, and nothing where a time is not plain or the rows are uncertain") {
    const Seen seen = counted(head() + at(1, "1,a,d") + at(7, "1,a,d") + at(3, "1,b,d") + ",,0,,1,b,d\r\n\r\n");
    CHECK(seen.newest == "2026-01-01T00:00:07");
    CHECK(seen.identities[1].second == "2026-01-01T00:00:07");
    CHECK(seen.identities[3].second.empty()); // it has none
    CHECK(counted(head() + "\r\n").newest == "");
    CHECK(counted(head() + at(1) + ",,0,\"2026-01-01T00:00:02\"\"Z\",1,h,d\r\n\r\n").newest == std::nullopt);
    CHECK(counted(head() + at(1) + "\r\n" + head("false,false,true,false") + at(2) + "\r\n").newest == std::nullopt);
}

TEST_CASE("whatever the rows are, one that is later than a window's latest time is none of its rows") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    Novelty novelty;
    Repeats repeats;
    std::size_t later = 0, the_same = 0;
    for (unsigned k = 0; k < 300; ++k) {
        test::SimilarRows rows{seed + k};
        const std::string body = random_body(rows);
        const Seen before = counted(body.substr(0, body.find('\n', body.size() / (1 + rows.below(3))) + 1), novelty, repeats);
        const Seen after = counted(body, novelty, repeats);
        std::set<std::string> known;
        for (const auto& [id, time] : before.identities)
            known.insert(id);
        for (const auto& [id, time] : after.identities) {
            the_same += known.count(id);
            if (!before.newest || time.empty() || time <= *before.newest) continue;
            ++later;
            if (known.count(id) != 0) FAIL("body " << k << ": a row at " << time << " is later than " << *before.newest << " and among them");
        }
    }
    CHECK(later > 0);
    CHECK(the_same > 0);
}
