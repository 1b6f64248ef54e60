// The schema command against a server that has, or sends, more than is asked for.
#include "explore.hpp"

#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "support/source_driver.hpp"
#include "window_server.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using namespace fluxgate;

namespace {

const std::string head = "#datatype,string,long,string\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n";

// An answer with one column.
std::string values(const std::vector<std::string>& names) {
    std::string out = head;
    for (const std::string& name : names)
        out += ",,0," + name + "\r\n";
    return out + "\r\n";
}

std::vector<std::string> numbered(const std::string& prefix, std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(prefix + std::to_string(i));
    return out;
}

bool has(const std::string& request, const std::string& text) {
    return request.find(text) != std::string::npos;
}

// The bucket "plant" with these measurements, each with a field and a tag.
struct Plant {
    std::vector<std::string> measurements = {"m"}, fields = {"f"}, tag_values = {"v"};

    [[nodiscard]] std::string answer(const std::string& request) const {
        if (has(request, "buckets()"))
            return "#datatype,string,long,string,string,long\r\n#group,false,false,false,false,false\r\n#default,_result,,,,\r\n"
                   ",result,table,name,id,retentionPeriod\r\n,,0,plant,1,0\r\n\r\n";
        if (has(request, "schema.measurements(")) {
            for (const std::string& name : measurements)
                if (has(request, R"(r._value == \")" + name + R"(\")")) return values({name});
            return has(request, "r._value ==") ? values({}) : values(measurements);
        }
        if (has(request, "schema.measurementFieldKeys(")) return values(fields);
        if (has(request, "schema.measurementTagKeys(")) return values({"t"});
        if (has(request, "schema.measurementTagValues(")) return values(tag_values);
        return values({});
    }
};

struct Told {
    Result<void> done;
    std::vector<std::string> lines;
    [[nodiscard]] std::string line(const std::string& with) const {
        for (const std::string& line : lines)
            if (has(line, with)) return line;
        return {};
    }
};

Told explore(const Plant& plant, const std::string& scope) {
    test::RawServer server{[&](const std::string& request, int) { return test::Reply{{test::WindowServer::ok(plant.answer(request))}}; }};
    influxdb::ParsedSettings parsed = influxdb::parse_settings(test::influx_document(server.port(), R"(,"schema":{)" + scope + "}"));
    REQUIRE(parsed.settings.has_value());
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    const stage::Host seen{host.table()};
    Told out{Result<void>{}, {}};
    const stage::LineSink line{[](void* told, fg_text json) -> std::int32_t {
                                   static_cast<Told*>(told)->lines.emplace_back(stage::to_view(json));
                                   return 0;
                               },
                               &out};
    out.done = influxdb::run_explore(*parsed.settings, seen, seen.monotonic_ns() + 60'000'000'000, line);
    return out;
}

} // namespace

TEST_CASE("a measurement that is named is found beyond the names that are listed, and one that is not there is not") {
    Plant plant;
    plant.measurements = numbered("m", 12'000);
    const Told last = explore(plant, R"("measurements":["m11999","m3"])");
    INFO((last.done.ok() ? "" : last.done.error().message));
    REQUIRE(last.done.ok());
    CHECK_FALSE(last.line(R"("name":"m11999")").empty());
    CHECK_FALSE(last.line(R"("name":"m3")").empty());
    CHECK(last.line(R"("item":"cut")").empty());
    const Told none = explore(plant, R"("measurements":["n7"])");
    REQUIRE_FALSE(none.done.ok());
    CHECK(has(none.done.error().message, "there is no measurement \"n7\""));
}

TEST_CASE("how many names there are is not told where there are more than were read") {
    Plant plant;
    plant.measurements = numbered("m", 10'001);
    plant.fields = numbered("f", 10'001);
    const Told many = explore(plant, R"("maxMeasurements":1,"maxFields":1)");
    REQUIRE(many.done.ok());
    CHECK(has(many.line(R"("what":"measurements")"), R"("shown":1,"found":null)"));
    CHECK(has(many.line(R"("what":"fields")"), R"("shown":1,"found":null)"));
    plant.measurements.pop_back();
    plant.fields.pop_back();
    const Told all = explore(plant, R"("maxMeasurements":1,"maxFields":1)");
    REQUIRE(all.done.ok());
    CHECK(has(all.line(R"("what":"measurements")"), R"("shown":1,"found":10000)"));
    CHECK(has(all.line(R"("what":"fields")"), R"("shown":1,"found":10000)"));
}

TEST_CASE("names are read up to some bytes together, and the same is said") {
    Plant plant;
    for (int i = 0; i < 200; ++i)
        plant.measurements.push_back(std::to_string(i) + std::string(60'000, 'x'));
    const Told told = explore(plant, R"("maxMeasurements":1)");
    REQUIRE(told.done.ok());
    CHECK(has(told.line(R"("what":"measurements")"), R"("shown":1,"found":null)"));
}

TEST_CASE("a server that sends more values of a tag than it was asked for, or longer ones, does not fill the memory") {
    Plant plant;
    plant.tag_values = numbered("value", 5000);
    plant.tag_values[0] = std::string(4095, 'x') + "\xC3\xA4" + std::string(100'000, 'x'); // the bound lies inside of a character
    const Told told = explore(plant, R"("maxValues":3)");
    REQUIRE(told.done.ok());
    const std::string line = told.line(R"("item":"measurement")");
    CHECK(has(line, R"(xxx...","value1","value2"])"));
    CHECK(line.size() < 5000);
}
