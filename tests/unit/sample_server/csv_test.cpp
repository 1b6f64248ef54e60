#include "sample_server/bench_answer.hpp"
#include "sample_server/csv_writer.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace fluxgate::sample;

namespace {

std::string field(std::string_view text, char delimiter = ',') {
    std::string out;
    append_field(out, text, delimiter);
    return out;
}

const Time start = *parse_time("2025-12-31T00:00:00Z");
const Time stop = *parse_time("2026-01-02T00:00:00Z");

std::vector<Column> columns(Type value) {
    return {{"_start", Type::time, true}, {"_stop", Type::time, true},    {"_time", Type::time, false},
            {"_value", value, false},     {"_field", Type::string, true}, {"_measurement", Type::string, true}};
}

Row row(const char* time, Value value) {
    return {start, stop, *parse_time(time), value, std::string_view{"value"}, std::string_view{"m"}};
}

} // namespace

TEST_CASE("fields are quoted as Go's encoding/csv quotes them") {
    CHECK(field("plain") == "plain");
    CHECK(field("") == "");
    CHECK(field("comma, here") == "\"comma, here\"");
    CHECK(field("comma, here", ';') == "comma, here");
    CHECK(field("semi;colon", ';') == "\"semi;colon\"");
    CHECK(field("quote \" here") == "\"quote \"\" here\"");
    CHECK(field("line\nfeed") == "\"line\r\nfeed\"");
    CHECK(field("crlf\r\nhere") == "\"crlf\r\nhere\"");
    CHECK(field("lone\rcr") == "\"lonecr\"");
    CHECK(field(" leading and trailing ") == "\" leading and trailing \"");
    CHECK(field("trailing ") == "trailing ");
    CHECK(field("tab\there") == "tab\there");
    CHECK(field("\ttab first") == "\"\ttab first\"");
    CHECK(field("\\.") == "\"\\.\"");
    CHECK(field("\xC2\xA0nbsp") == "\"\xC2\xA0nbsp\"");
    CHECK(field("\xE2\x80\xA8 line separator") == "\"\xE2\x80\xA8 line separator\"");
    CHECK(field("\xEF\xBB\xBF"
                "bom") == "\xEF\xBB\xBF"
                          "bom");
    CHECK(field("#datatype,string") == "\"#datatype,string\"");
    CHECK(field(std::string_view{"\0 nul", 5}) == std::string("\0 nul", 5));
}

TEST_CASE("tables of one schema share a header, a new schema follows a blank line, a result ends with one") {
    std::string out;
    CsvWriter w(out, Dialect::annotated());
    const auto booleans = columns(Type::boolean), doubles = columns(Type::floating);
    w.begin_result("_result");
    for (const bool value : {true, false}) {
        w.begin_table(booleans, {});
        w.row(row("2026-01-01T00:00:00Z", value));
        w.end_table();
    }
    w.begin_table(doubles, {});
    w.end_table(); // no rows: not there
    w.begin_table(doubles, {});
    w.row(row("2026-01-01T00:00:01Z", 1.25));
    w.row(row("2026-01-01T00:00:02Z", Null{}));
    w.end_table();
    w.end_result();
    CHECK(out == "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,boolean,string,string\r\n"
                 "#group,false,false,true,true,false,false,true,true\r\n"
                 "#default,_result,,,,,,,\r\n"
                 ",result,table,_start,_stop,_time,_value,_field,_measurement\r\n"
                 ",,0,2025-12-31T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,true,value,m\r\n"
                 ",,1,2025-12-31T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,false,value,m\r\n"
                 "\r\n"
                 "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string\r\n"
                 "#group,false,false,true,true,false,false,true,true\r\n"
                 "#default,_result,,,,,,,\r\n"
                 ",result,table,_start,_stop,_time,_value,_field,_measurement\r\n"
                 ",,2,2025-12-31T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T00:00:01Z,1.25,value,m\r\n"
                 ",,2,2025-12-31T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T00:00:02Z,,value,m\r\n"
                 "\r\n");
}

// The shape of the recorded answer to `filter(onEmpty: "keep")`.
TEST_CASE("a kept table without rows carries its number and group key as defaults, and serves no following table") {
    std::string out;
    CsvWriter w(out, Dialect::annotated());
    const std::vector<Column> c{{"_value", Type::integer, false}, {"host", Type::string, true}};
    const Row first{Null{}, std::string_view{"web-00"}}, second{Null{}, std::string_view{"web,02"}};
    w.begin_result("_result");
    for (const Row& key : {first, second}) {
        w.begin_table(c, key);
        w.end_table(true);
    }
    w.begin_table(c, first);
    w.row({std::int64_t{7}, std::string_view{"web-00"}});
    w.end_table();
    w.end_result();
    CHECK(out ==
          "#datatype,string,long,long,string\r\n#group,false,false,false,true\r\n#default,_result,0,,web-00\r\n,result,table,_value,host\r\n"
          "\r\n"
          "#datatype,string,long,long,string\r\n#group,false,false,false,true\r\n#default,_result,1,,\"web,02\"\r\n,result,table,_value,host\r\n"
          "\r\n"
          "#datatype,string,long,long,string\r\n#group,false,false,false,true\r\n#default,_result,,,\r\n,result,table,_value,host\r\n"
          ",,2,7,web-00\r\n"
          "\r\n");
}

TEST_CASE("without annotations the result's name stands in every row, and header: false leaves the header out") {
    std::string out;
    CsvWriter bare(out, Dialect{});
    const std::vector<Column> c{{"a,b", Type::integer, false}};
    bare.begin_result("second, quoted");
    bare.begin_table(c, {});
    bare.row({std::int64_t{1}});
    bare.end_table();
    bare.end_result();
    CHECK(out == ",result,table,\"a,b\"\r\n,\"second, quoted\",0,1\r\n\r\n");
    out.clear();
    Dialect headless = Dialect::annotated();
    headless.header = false;
    headless.delimiter = ';';
    CsvWriter w(out, headless);
    w.begin_result("second, quoted");
    w.begin_table(c, {});
    w.row({std::int64_t{1}});
    w.end_table();
    w.end_result();
    CHECK(out == "#datatype;string;long;long\r\n#group;false;false;false\r\n#default;second, quoted;;\r\n;;0;1\r\n\r\n");
}

TEST_CASE("an answer without tables is one CRLF, and an error table ends without a blank line") {
    std::string out;
    CsvWriter w(out, Dialect::annotated());
    w.begin_result("_result");
    w.end_result();
    CHECK(out == "\r\n");
    CHECK(CsvWriter::error_table("cannot convert string \"plain\" to int", "", true) ==
          "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,\"cannot convert string \"\"plain\"\" to int\",\r\n");
    CHECK(CsvWriter::error_table("x", "897", false) ==
          "\r\n#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,x,897\r\n");
}

TEST_CASE("a bench answer has exactly the asked rows and tables, about 170 bytes a row") {
    for (const char* text : {"1000,7", "1000,7,grouped", "1000,7,ungrouped", "1000,7,quoted"}) {
        INFO(text);
        const auto spec = parse_bench(text);
        REQUIRE(spec.ok());
        const std::string csv = bench_csv(*spec);
        const auto lines = std::count(csv.begin(), csv.end(), '\n');
        CHECK(lines == 1000 + 4 + 1);
        CHECK(csv.substr(csv.size() - 4) == "\r\n\r\n");
        CHECK(csv.size() / 1000 >= 165);
        CHECK(csv.size() / 1000 <= 180);
        CHECK((csv.find("\r\n,,6,") != std::string::npos) == (spec->kind != BenchSpec::Kind::ungrouped));
        CHECK(csv.find("\r\n,,7,") == std::string::npos);
        CHECK((csv.find("\"\"") != std::string::npos) == (spec->kind == BenchSpec::Kind::quoted));
    }
    CHECK(chunked("abcde", 2) == "2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n");
    for (const char* text : {"", "1000", "0,1", "10,11", "10,0", "10,2,other", "x,2", "20000001,1"}) {
        INFO(text);
        CHECK(!parse_bench(text).ok());
    }
}
