// Incremental reading through the C ABI and real sockets: windows that are read measurement by measurement.
#include "window_support.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test::windows;
using test::Reply;

namespace {

using Asked = test::WindowServer::Asked;

// Answers `read`'s Flux from rows that have a measurement: filters by ==, or, != and and, names measurements, delivers the column
// _measurement unless `columns` leaves it out.
class Plant {
public:
    struct Row {
        Instant time = 0;
        std::string measurement, value;
    };
    using Instead = std::function<std::string(const Asked& asked, const std::string& body)>; // HTTP text; empty: the rows

    Plant() {
        server_.instead([this](const Asked& asked, std::size_t) { return answer(asked); });
    }

    // Set while nothing is asked.
    std::set<std::string> unlisted; // measurements that the list of names does not know
    Instead instead;

    void add(Row row) {
        const std::lock_guard lock{mutex_};
        rows_.push_back(std::move(row));
    }
    void clear() {
        const std::lock_guard lock{mutex_};
        rows_.clear();
    }

    [[nodiscard]] const test::WindowServer& server() const { return server_; }
    // What each query asked for: "whole", "names", "=a", "others".
    [[nodiscard]] std::vector<std::string> asked() const {
        std::vector<std::string> out;
        for (const Asked& a : server_.asked())
            out.push_back(kind_of(a));
        return out;
    }
    void forget() { server_.forget(); }

    static std::vector<std::string> named(const std::string& request, const std::string& comparison) {
        std::vector<std::string> out;
        const std::string before = "r._measurement " + comparison + " \\\"";
        for (std::size_t at = request.find(before); at != std::string::npos; at = request.find(before, at)) {
            at += before.size();
            out.push_back(request.substr(at, request.find("\\\"", at) - at));
        }
        return out;
    }
    static std::string kind_of(const Asked& asked) {
        if (asked.request.find("distinct(column:") != std::string::npos) return "names";
        if (!named(asked.request, "!=").empty()) return "others";
        const std::vector<std::string> those = named(asked.request, "==");
        return those.size() == 1 ? "=" + those.front() : "whole";
    }

private:
    Reply answer(const Asked& asked) {
        const std::lock_guard lock{mutex_};
        const std::string body = kind_of(asked) == "names" ? names(asked) : body_of(asked);
        std::string text = instead ? instead(asked, body) : std::string{};
        if (text.empty()) text = test::WindowServer::ok(body);
        return Reply{{text}};
    }

    [[nodiscard]] std::string names(const Asked& asked) const {
        std::string out = "#datatype,string,long,string\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n";
        std::set<std::string> known;
        for (const Row& row : rows_)
            if (row.time >= asked.range.start && row.time < asked.range.stop && unlisted.count(row.measurement) == 0) known.insert(row.measurement);
        for (const std::string& name : known)
            out += ",,0," + name + "\r\n";
        return out + "\r\n";
    }

    [[nodiscard]] std::string body_of(const Asked& asked) const {
        const std::vector<std::string> only = named(asked.request, "=="), not_these = named(asked.request, "!=");
        const bool with_name =
            asked.request.find("keep(columns:") == std::string::npos || asked.request.find(R"(\"_measurement\")") != std::string::npos;
        const auto has = [](const std::vector<std::string>& names, const std::string& name) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        std::map<std::string, std::string> tables;
        for (const Row& row : rows_) {
            if (row.time < asked.range.start || row.time >= asked.range.stop || (!only.empty() && !has(only, row.measurement)) ||
                has(not_these, row.measurement))
                continue;
            tables[with_name ? row.measurement : ""] +=
                ",,#," + window::format_instant(row.time) + "," + row.value + (with_name ? "," + row.measurement : "") + "\r\n";
        }
        if (tables.empty()) return "\r\n";
        std::string out = with_name ? "#datatype,string,long,dateTime:RFC3339,double,string\r\n#group,false,false,false,false,true\r\n"
                                      "#default,_result,,,,\r\n,result,table,_time,_value,_measurement\r\n"
                                    : "#datatype,string,long,dateTime:RFC3339,double\r\n#group,false,false,false,false\r\n"
                                      "#default,_result,,,\r\n,result,table,_time,_value\r\n";
        std::size_t number = 0;
        for (auto& [name, text] : tables) {
            for (std::size_t at = text.find(",#,"); at != std::string::npos; at = text.find(",#,", at))
                text.replace(at + 1, 1, std::to_string(number));
            out += text;
            ++number;
        }
        return out + "\r\n";
    }

    std::mutex mutex_;
    std::vector<Row> rows_;
    test::WindowServer server_; // last: its thread uses the others
};

// Half a second before noon: a window that cannot be cut. Every measurement has the same times and values.
const std::string incremental = R"("start":"2026-01-01T11:59:59.5Z","delay":"0s")";
const std::string fixed_retry = R"(,"retry":{"type":"fixed","initial":"1ms"})";

void fill(Plant& plant, int rows, const std::vector<std::string>& measurements, Instant from = noon - s / 2) {
    for (const std::string& m : measurements)
        for (int i = 0; i < rows; ++i)
            plant.add({from + Instant{i} * 1'000'000, m, std::to_string(i % 3)});
}

std::string read_document(const Plant& plant, const std::string& read, const std::string& more, const std::string& plan = incremental) {
    std::string text =
        test::influx_document(plant.server().port(), R"(,"incremental":{)" + plan + R"(},"read":{"bucket":"plant")" + read + "}" + more);
    const std::string query = R"json("query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},)json";
    return text.replace(text.find(query), query.size(), "");
}

// Identities as often as they came.
std::multiset<std::string> identities(const test::SourceDriver& source) {
    std::multiset<std::string> out;
    for (const test::Delivered& m : source.messages())
        out.insert(member(m.text, "rowId"));
    return out;
}

std::multiset<std::string> unsplit(Plant& plant, const std::string& read) {
    Run run;
    test::SourceDriver source{run.host, read_document(plant, read, ""), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(run.host.all_output().find("window.split") == std::string::npos);
    plant.forget();
    return identities(source);
}

const std::string three = R"(,"measurements":["a","b","c"])", no_names = R"(,"columns":["_time","_value"])";
using Names = std::vector<std::string>;

std::string too_slow(const Asked& asked, const std::string&) {
    return Plant::kind_of(asked) == "whole" ? "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n" : "";
}

} // namespace

TEST_CASE("an answer beyond spoolBytes that cannot be cut in time is read measurement by measurement, at once and with the same rows") {
    for (const std::string& columns : {std::string{}, std::string{R"(,"columns":["_time","_value","_measurement"])"}}) {
        Plant plant;
        fill(plant, 20, {"a", "b", "c"});
        const std::multiset<std::string> expected = unsplit(plant, three + columns);
        REQUIRE(expected.size() == 60);
        Run run;
        test::SourceDriver source{run.host, read_document(plant, three + columns, R"(,"delivery":"verified","spoolBytes":"1200B")"), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(identities(source) == expected);
        CHECK(plant.asked() == Names{"whole", "=a", "=b", "=c"});
        CHECK(cursor_of(run.host).position == noon);
        CHECK(run.host.all_output().find("window.split") != std::string::npos);
        CHECK(run.host.all_output().find("query.failed") == std::string::npos);
        for (const test::Delivered& m : source.messages())
            CHECK(m.text.find(R"("window":["2026-01-01T11:59:59.5Z","2026-01-01T12:00:00Z"])") != std::string::npos);
    }
}

TEST_CASE("a time-out, and a server without memory, split as well; identical rows of several measurements are told apart as unsplit") {
    for (const char* words :
         {"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 60\r\n\r\n"
                                                                       R"({"code":"internal error","message":"memory allocation limit"})"}) {
        Plant plant;
        fill(plant, 12, {"a", "b", "c"});
        const std::multiset<std::string> expected = unsplit(plant, three + no_names);
        REQUIRE(std::set<std::string>{expected.begin(), expected.end()}.size() == 36); // with -1 and -2
        plant.instead = [&](const Asked& asked, const std::string&) { return Plant::kind_of(asked) == "whole" ? std::string{words} : ""; };
        Run run;
        test::SourceDriver source{run.host, read_document(plant, three + no_names, fixed_retry), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(identities(source) == expected);
        CHECK(plant.asked() == Names{"whole", "=a", "=b", "=c"});
    }
}

TEST_CASE("without measurements the server is asked for them; what its list leaves out is read too") {
    for (const std::string& columns : {std::string{}, no_names}) {
        Plant plant;
        fill(plant, 10, {"a", "b", "c", "d"});
        const std::multiset<std::string> expected = unsplit(plant, columns);
        REQUIRE(expected.size() == 40);
        plant.unlisted = {"c", "d"};
        plant.instead = too_slow;
        Run run;
        test::SourceDriver source{run.host, read_document(plant, columns, fixed_retry), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(identities(source) == expected);
        CHECK(plant.asked() == Names{"whole", "names", "=a", "=b", "others"});
        const Asked names = plant.server().asked().at(1);
        CHECK(names.range == Edges{noon - s / 2, noon}); // within the window
    }
}

TEST_CASE("a window completes only when all its parts are: the cursor waits for each, and a restart after a kill reads it whole") {
    Plant plant;
    fill(plant, 10, {"a", "b", "c"});
    const std::multiset<std::string> expected = unsplit(plant, three);
    plant.instead = [](const Asked& asked, const std::string& body) -> std::string {
        if (Plant::kind_of(asked) == "=c") return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        return too_slow(asked, body);
    };
    Run run;
    std::set<std::string> before;
    {
        test::SourceDriver killed{run.host, read_document(plant, three, fixed_retry), false};
        REQUIRE(killed.until_messages(20, std::chrono::seconds{10})); // acknowledged, all of them
        for (int i = 0; i < 20; ++i)
            killed.next(std::chrono::milliseconds{5});
        before = ids_of(killed);
        CHECK(killed.messages().size() == 20); // the missing part alone is tried again
        CHECK(before.size() == 20);
        CHECK(cursor_of(run.host).position == noon - s / 2);
        CHECK(cursor_of(run.host).planned == std::vector<Edges>{{noon - s / 2, noon}});
        const Names asked = plant.asked();
        CHECK(std::count(asked.begin(), asked.end(), "=a") == 1);
        CHECK(std::count(asked.begin(), asked.end(), "=c") > 2);
    }
    plant.instead = {};
    plant.forget();
    Run after{noon + minute};
    after.host.set_state(run.host.state());
    test::SourceDriver source{after.host, read_document(plant, three, ""), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(plant.server().ranges().front() == Edges{noon - s / 2, noon});
    CHECK(identities(source) == expected);
    CHECK(cursor_of(after.host).position == noon + minute);
}

TEST_CASE("a part that breaks off is read again with the same identities; where rows are counted over parts, the whole window is") {
    for (const std::string& columns : {std::string{}, no_names}) {
        Plant plant;
        fill(plant, 30, {"a", "b", "c"});
        const std::multiset<std::string> expected = unsplit(plant, three + columns);
        bool broken = false;
        plant.instead = [&](const Asked& asked, const std::string& body) -> std::string {
            if (Plant::kind_of(asked) != "=b" || std::exchange(broken, true)) return too_slow(asked, body);
            const std::string whole = test::WindowServer::ok(body);
            return whole.substr(0, whole.size() - 200);
        };
        for (const char* delivery : {"streaming", "verified"}) {
            broken = false;
            plant.forget();
            Run run;
            test::SourceDriver source{run.host, read_document(plant, three + columns, fixed_retry + R"(,"delivery":")" + delivery + "\""), true};
            REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
            const std::multiset<std::string> got = identities(source);
            CHECK(std::set<std::string>{got.begin(), got.end()} == std::set<std::string>{expected.begin(), expected.end()});
            if (columns.empty()) {
                CHECK(plant.asked() == Names{"whole", "=a", "=b", "=b", "=c"});
                if (std::string{delivery} == "verified") CHECK(got == expected);
            } else {
                CHECK(plant.asked() == Names{"whole", "=a", "=b", "=a", "=b", "=c"});
            }
            CHECK(cursor_of(run.host).position == noon);
        }
    }
}

TEST_CASE("windows behind one that was split begin in parts, so that not each of them waits for a time-out") {
    Plant plant;
    fill(plant, 4 * 1000, {"a", "b"}, noon - 4 * s);
    plant.instead = too_slow;
    Run run;
    test::SourceDriver source{
        run.host, read_document(plant, R"(,"measurements":["a","b"])", fixed_retry, R"("start":"2026-01-01T11:59:56Z","window":"1s","delay":"0s")"),
        true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(plant.asked() == Names{"whole", "=a", "=b", "=a", "=b", "=a", "=b", "=a", "=b"});
    CHECK(ids_of(source).size() == 8000);
    CHECK(source.messages().size() == 8000);
}

TEST_CASE("one measurement that is too large alone is told by its name, and by nothing but the window where there is no other") {
    Plant plant;
    fill(plant, 40, {"big"});
    fill(plant, 2, {"small"});
    const std::string tight = R"(,"delivery":"verified","spoolBytes":"700B")";
    Run run;
    test::SourceDriver source{run.host, read_document(plant, R"(,"measurements":["small","big"])", tight), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::error);
    CHECK(source.error().code == Errc::limit);
    INFO(source.error().message);
    CHECK(source.error().message.find("the measurement \"big\" alone") != std::string::npos);
    CHECK(source.messages().size() == 2);
    CHECK(cursor_of(run.host).position == noon - s / 2);

    plant.clear();
    fill(plant, 40, {"only"});
    plant.forget();
    Run one;
    test::SourceDriver listed{one.host, read_document(plant, "", tight), true};
    REQUIRE(listed.run(std::chrono::seconds{20}) == Got::error);
    CHECK(listed.error().message.find("alone") == std::string::npos);
    CHECK(plant.asked() == Names{"whole", "names", "whole"});
}

TEST_CASE("look-back over a window that is read in parts finds late rows of every part once, and dead letters stay one each") {
    Plant plant;
    fill(plant, 5, {"a", "b"});
    plant.add({noon - s / 4, "a", "warm"});
    plant.add({noon - s / 4, "b", "warm"});
    plant.instead = too_slow;
    const std::string plan = R"("start":"2026-01-01T11:59:59.5Z","delay":"0s","lookback":"10m")";
    Run run;
    test::SourceDriver source{run.host, read_document(plant, R"(,"measurements":["a","b"])", fixed_retry, plan), false};
    REQUIRE(source.until_messages(10, std::chrono::seconds{10}));
    run.host.set_wall(noon + s / 2);
    plant.add({noon - s / 2, "b", "77"}); // late
    plant.add({noon, "a", "78"});
    REQUIRE(source.until_messages(12, std::chrono::seconds{10}));
    REQUIRE(until_position(source, run.host, noon + s / 2));
    CHECK(source.messages().size() == 12);
    CHECK(ids_of(source).size() == 12);
    CHECK(run.host.letters().size() == 2);
    CHECK(run.host.metric("rows_suppressed") >= 10);
    CHECK(source.stop() == FG_OK);
}
