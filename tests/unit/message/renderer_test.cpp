#include "flux/reader.hpp"
#include "message/renderer.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate;
using message::Buffer;

namespace {

// Renders the rows of a body: the message with partition 0, or "code: text" of its fault.
std::vector<std::string> render(const std::string& body, message::Options options = {}) {
    flux::Reader reader;
    message::Renderer renderer{options};
    std::vector<std::string> out;
    reader.feed(body);
    for (flux::Event e = reader.next(); e != flux::Event::need_more; e = reader.next()) {
        REQUIRE(e != flux::Event::failed);
        if (e == flux::Event::table) renderer.set_table(reader.table());
        if (e != flux::Event::row) continue;
        Buffer text;
        message::append_head(text, "T", 0, nullptr);
        message::PayloadSpan span;
        message::RowFault fault;
        if (renderer.append_tail(reader.row(), text, span, fault)) {
            out.emplace_back(text.view());
            CHECK(text.view().substr(span.begin, span.end - span.begin).front() == '{');
            CHECK(text.view().substr(span.begin, span.end - span.begin).back() == '}');
        } else {
            out.push_back(std::string{fault.code} + ": " + fault.text);
        }
    }
    return out;
}

std::string table(const std::string& types, const std::string& defaults, const std::string& names, const std::string& rows) {
    std::string groups;
    for (const char c : types)
        groups += c == ',' ? ",false" : "";
    return "#datatype,string,long," + types + "\r\n#group,false,false,false" + groups + "\r\n#default,_result,," + defaults + "\r\n,result,table," +
           names + "\r\n" + rows;
}

} // namespace

TEST_CASE("a message is the envelope with the row's columns in order") {
    const auto out = render(table("double,string", ",", "_value,host", ",,0,21.5,a\r\n"));
    REQUIRE(out.size() == 1);
    CHECK(
        out[0] ==
        R"({"systemProperties":{"timestamp":"T","partitionId":0},"properties":{"result":"_result","table":0},"userProperties":[],"payload":{"_value":21.5,"host":"a"}})");
}

TEST_CASE("heads carry the partition, and the key when there is one") {
    Buffer out;
    const std::string key = "a\"b";
    message::append_head(out, "T", 1023, &key);
    CHECK(out.view() == R"({"systemProperties":{"timestamp":"T","partitionId":1023,"partitionKey":"a\"b"},)");
    out.clear();
    message::append_probe_head(out, "T");
    CHECK(out.view() == R"({"systemProperties":{"timestamp":"T"},)");
}

TEST_CASE("an empty field is the column's default, and without one null, which may be left out") {
    const std::string body = table("double,string", "7,", "_value,host", ",,0,,\r\n");
    CHECK(render(body)[0].find(R"("payload":{"_value":7,"host":null}})") != std::string::npos);
    message::Options omit;
    omit.nulls = message::Nulls::omit;
    CHECK(render(body, omit)[0].find(R"("payload":{"_value":7}})") != std::string::npos);
    CHECK(render(table("string", "", "host", ",,0,\r\n"), omit)[0].find(R"("payload":{}})") != std::string::npos);
}

TEST_CASE("a default that holds quotes or line ends is escaped like any text") {
    CHECK(render(table("string", "\"a \"\"b\"\"\"", "host", ",,0,\r\n"))[0].find(R"("host":"a \"b\""})") != std::string::npos);
}

TEST_CASE("NaN and infinities are null, a string or a dead letter as configured") {
    const std::string body = table("double", "", "v", ",,0,NaN\r\n,,0,-Inf\r\n");
    CHECK(render(body)[0].find(R"({"v":null})") != std::string::npos);
    message::Options options;
    options.non_finite = message::NonFinite::string;
    CHECK(render(body, options)[0].find(R"({"v":"NaN"})") != std::string::npos);
    CHECK(render(body, options)[1].find(R"({"v":"-Inf"})") != std::string::npos);
    options.non_finite = message::NonFinite::dead_letter;
    CHECK(render(body, options)[1].substr(0, 11) == "non-finite:");
}

TEST_CASE("a field that is not a value of its column's type is a fault that names column, value and type") {
    const auto fault = [](const std::string& type, const std::string& value) { return render(table(type, "", "c", ",,0," + value + "\r\n")).at(0); };
    CHECK(fault("long", "1.5") == R"(type-mismatch: column "c" holds "1.5", which is not a value of its type long)");
    CHECK(fault("unsignedLong", "-1") == R"(type-mismatch: column "c" holds "-1", which is not a value of its type unsignedLong)");
    CHECK(fault("boolean", "TRUE") == R"(type-mismatch: column "c" holds "TRUE", which is not a value of its type boolean)");
    CHECK(fault("double", "warm") == R"(type-mismatch: column "c" holds "warm", which is not a value of its type double)");
    CHECK(fault("dateTime:RFC3339", "yesterday") ==
          R"(type-mismatch: column "c" holds "yesterday", which is not a value of its type dateTime:RFC3339)");
    CHECK(fault("dynamic", "x") == R"(unknown-type: column "c" has the type "dynamic", which is not a type of annotated CSV)");
    const auto rows = render(table("long", "", "c", ",,x,1\r\n"));
    CHECK(rows.at(0) == R"(type-mismatch: column "table" holds "x", which is not a value of its type long)");
}

TEST_CASE("values keep their exact text") {
    const auto out =
        render(table("long,unsignedLong,double,boolean,dateTime:RFC3339Nano,duration,base64Binary,dateTime:number", ",,,,,,,", "a,b,c,d,e,f,g,h",
                     ",,0,-9223372036854775808,18446744073709551615,-0,true,2026-01-01T00:00:00.123456789Z,1h2m,AA==,1767225600000000000\r\n"));
    CHECK(
        out.at(0).find(
            R"("a":-9223372036854775808,"b":18446744073709551615,"c":-0,"d":true,"e":"2026-01-01T00:00:00.123456789Z","f":"1h2m","g":"AA==","h":"1767225600000000000"})") !=
        std::string::npos);
}

TEST_CASE("a repeated column name gets a suffix that no other column has") {
    CHECK(render(table("long,long,long,long", ",,,", "a,a,a_2,a", ",,0,1,2,3,4\r\n")).at(0).find(R"("a":1,"a_3":2,"a_2":3,"a_4":4})") !=
          std::string::npos);
}

TEST_CASE("bad UTF-8 is replaced and counted") {
    flux::Reader reader;
    message::Renderer renderer{{}};
    const std::string body = table("string", "", "s", ",,0,\xFF\xFE\r\n");
    reader.feed(body);
    REQUIRE(reader.next() == flux::Event::table);
    renderer.set_table(reader.table());
    REQUIRE(reader.next() == flux::Event::row);
    Buffer text;
    message::PayloadSpan span;
    message::RowFault fault;
    REQUIRE(renderer.append_tail(reader.row(), text, span, fault));
    CHECK(renderer.replaced_sequences() == 2);
}

TEST_CASE("timestamps are RFC 3339 UTC with milliseconds, rounded down") {
    CHECK(message::timestamp_text(1'795'255'327'123'999'999) == "2026-11-21T10:02:07.123Z");
    CHECK(message::timestamp_text(0) == "1970-01-01T00:00:00.000Z");
    CHECK(message::timestamp_text(-1) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("names that are alike after bad UTF-8 was replaced get suffixes like repeated ones") {
    const auto out = render(table("long,long,long", ",,", "\xFF,\xFE,\xEF\xBF\xBD_2", ",,0,1,2,3\r\n"));
    REQUIRE(out.size() == 1);
    CHECK(out[0].find("\"payload\":{\"\xEF\xBF\xBD\":1,\"\xEF\xBF\xBD_3\":2,\"\xEF\xBF\xBD_2\":3}") != std::string::npos);
}

TEST_CASE("a column's payload name is what the message shows, bad UTF-8 replaced") {
    flux::Reader reader;
    const std::string body = table("long", "", "a\xC0z", "");
    reader.feed(body);
    REQUIRE(reader.next() == flux::Event::table);
    message::Renderer renderer{{}};
    CHECK(renderer.set_table(reader.table()) == 0);
    CHECK(renderer.payload_name(2) == "a\xEF\xBF\xBDz");
}

TEST_CASE("thousands of columns of one name are told apart in time that grows with their number") {
    flux::Table table;
    table.columns.resize(60'000, flux::Column{"v", "long", "", flux::Type::long_, false});
    message::Renderer renderer{{}};
    // Trying every suffix from 2 on for each column would be two thousand million steps: minutes.
    CHECK(renderer.set_table(table) == 59'999);
    CHECK(renderer.payload_name(0) == "v");
    CHECK(renderer.payload_name(1) == "v_2");
    CHECK(renderer.payload_name(59'999) == "v_60000");
}

TEST_CASE("with types a message says the types of its columns and which are the group key, before the window") {
    const std::string body = "#datatype,string,long,dateTime:RFC3339,double,string,string\r\n#group,false,false,false,false,true,true\r\n"
                             "#default,_result,,,,,\r\n,result,table,_time,_value,_field,\"ho\"\"st\"\r\n,,0,2026-11-21T10:00:00Z,21.5,f,a\r\n";
    message::Options options;
    options.types = true;
    const std::string types =
        R"("types":{"_time":"dateTime:RFC3339","_value":"double","_field":"string","ho\"st":"string"},"groupKey":["_field","ho\"st"])";
    const auto out = render(body, options);
    REQUIRE(out.size() == 1);
    CHECK(out[0].find(R"("properties":{"result":"_result","table":0,)" + types + "}") != std::string::npos);
    CHECK(render(body)[0].find("types") == std::string::npos);
    flux::Reader reader;
    message::Renderer renderer{options};
    renderer.set_window(R"(["a","b"])");
    reader.feed(body);
    REQUIRE(reader.next() == flux::Event::table);
    renderer.set_table(reader.table());
    REQUIRE(reader.next() == flux::Event::row);
    Buffer text;
    message::PayloadSpan span;
    message::RowFault fault;
    REQUIRE(renderer.append_tail(reader.row(), text, span, fault));
    CHECK(text.view().find(types + R"(,"window":["a","b"],"rowId":")") != std::string_view::npos);
    CHECK(text.view().substr(span.row_id, 32) == std::string(32, '0'));
}
