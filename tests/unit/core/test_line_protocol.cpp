#include "core/line_protocol.hpp"

#include "fluxgate/stage.hpp"
#include "sample_server/line_protocol.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

using fluxgate::core::append_line;
namespace sample = fluxgate::sample;

namespace {

std::string json_string(std::string_view text) {
    std::string out;
    fluxgate::stage::detail::append_json_string(out, text);
    return out;
}

std::string message(const std::string& measurement, const std::string& tag, const std::string& tag_value, const std::string& field,
                    const std::string& type, const std::string& value, const std::string& time = "2026-11-21T10:00:00.000000001Z") {
    return R"({"systemProperties":{},"properties":{"result":"_result","table":0,"types":{"_time":"dateTime:RFC3339","_value":)" + json_string(type) +
           R"(,"_field":"string","_measurement":"string",)" + json_string(tag) + R"(:"string"},"groupKey":["_field","_measurement",)" +
           json_string(tag) + R"(]},"userProperties":[],"payload":{"_time":)" + json_string(time) + ",\"_value\":" + value +
           ",\"_field\":" + json_string(field) + ",\"_measurement\":" + json_string(measurement) + "," + json_string(tag) + ":" +
           (tag_value.empty() ? "null" : json_string(tag_value)) + "}}";
}

// The line, or why there is none.
std::string line(const std::string& text) {
    std::string out;
    const std::string why = append_line(out, text);
    CHECK(why.empty() != out.empty());
    return why.empty() ? out : why;
}

bool holds(const std::string& text, const std::string& word) {
    UNSCOPED_INFO(text << " / " << word);
    return text.find(word) != std::string::npos;
}

} // namespace

TEST_CASE("line protocol: each type is written in its own form, numbers with the text they came with") {
    const auto value = [](const std::string& type, const std::string& json) { return line(message("m", "t", "v", "f", type, json)); };
    const std::string time = " 1795255200000000001\n";
    CHECK(value("double", "21.50") == "m,t=v f=21.50" + time);
    CHECK(value("double", "3") == "m,t=v f=3" + time);
    CHECK(value("double", "-0") == "m,t=v f=-0" + time);
    CHECK(value("long", "-9223372036854775808") == "m,t=v f=-9223372036854775808i" + time);
    CHECK(value("unsignedLong", "18446744073709551615") == "m,t=v f=18446744073709551615u" + time);
    CHECK(value("boolean", "true") == "m,t=v f=true" + time);
    CHECK(value("string", json_string("a \"b\" \\ c\nd, e=f")) == "m,t=v f=\"a \\\"b\\\" \\\\ c\nd, e=f\"" + time);
    CHECK(value("string", "null") == "m,t=v f=\"\"" + time); // a server stores no nulls
}

TEST_CASE("line protocol: names are escaped, an absent tag is left out, times are nanoseconds") {
    CHECK(line(message("my me,as=ure", "ta g,=", "v a,l=", "fi e,l=d", "double", "1", "1677-09-21T00:12:43.145224194Z")) ==
          "my\\ me\\,as=ure,ta\\ g\\,\\==v\\ a\\,l\\= fi\\ e\\,l\\=d=1 -9223372036854775806\n");
    CHECK(line(message("m", "t", "", "f", "double", "1", "1970-01-01T00:00:00Z")) == "m f=1 0\n");
}

TEST_CASE("line protocol: what it cannot carry is refused with the reason") {
    CHECK(holds(line(message("m", "t", "v", "f", "double", "null")), "its value is null"));
    CHECK(holds(line(message("m", "t", "two\nlines", "f", "double", "1")), "the tag's value \"two\nlines\" holds a line feed"));
    CHECK(holds(line(message("m\\", "t", "v", "f", "double", "1")), "the measurement \"m\\\" ends with a backslash"));
    CHECK(holds(line(message("#m", "t", "v", "f", "double", "1")), "begins with a character that line protocol skips"));
    CHECK(holds(line(message("m", "t", "v", "\tf", "double", "1")), "the field \"\tf\" begins with a character that line protocol skips"));
    CHECK(holds(line(message("m", "t", "v", "f", "dateTime:RFC3339", json_string("2026-11-21T10:00:00Z"))), "is none of line protocol's"));
    CHECK(holds(line(message("m", "t", "v", "f", "double", json_string("NaN"))), "is none of line protocol's"));
    CHECK(holds(line(message("m", "t", "v", "f", "double", "1", "noon")), "no time that InfluxDB can store"));
    CHECK(holds(line(R"({"properties":{},"payload":{"_measurement":"m","_field":"f","_value":1,"_time":"2026-11-21T10:00:00Z"}})"),
                "set format.types in the source"));
    CHECK(holds(line(R"({"properties":{"types":{},"groupKey":[]},"payload":{"temp":1}})"), "without pivot or aggregation"));
    CHECK(holds(line("[1"), "no JSON object"));
    // A server takes this for the beginning of a string that goes on behind the line.
    CHECK(holds(line(message("m\\ a=\"", "t", "v", "f", "double", "1")), "miss the end of the line"));
}

TEST_CASE("line protocol: whatever is written, a server reads back the same point, and the lines around it") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random(seed);
    const std::vector<std::string> alphabet{"a", "b", ",", "=", " ", "\\", "\"", "#", "\t", "\n", "\u00e9", "i", "1", "\r"};
    const auto word = [&] {
        std::string out;
        for (std::size_t i = 1 + random() % 5; i > 0; --i)
            out += alphabet[random() % alphabet.size()];
        return out;
    };
    std::size_t written = 0;
    for (int round = 0; round < 20'000; ++round) {
        const std::string measurement = word(), tag = word(), tag_value = word(), field = word(), text = word();
        if (tag[0] == '_') continue;
        std::string body = "before f=1 1\n";
        if (!append_line(body, message(measurement, tag, tag_value, field, "string", json_string(text))).empty()) continue;
        ++written;
        body += "behind f=2 2\n";
        const auto read = sample::parse_lines(body, 1, {});
        INFO(body);
        INFO((read.ok() ? "" : read.error().message));
        REQUIRE(read.ok());
        REQUIRE(read->size() == 3);
        const sample::Point& point = (*read)[1];
        REQUIRE(point.measurement == measurement);
        REQUIRE(point.tags == std::vector<std::pair<std::string, std::string>>{{tag, tag_value}});
        REQUIRE(point.fields == std::vector<std::pair<std::string, sample::FieldValue>>{{field, text}});
        REQUIRE(point.time.ns == 1795255200000000001);
    }
    CHECK(written > 2'000);
}
