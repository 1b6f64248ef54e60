#include "sample_server/line_protocol.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace fluxgate::sample;

namespace {

const Time now{1'000};

std::vector<Point> points(std::string_view body, std::int64_t unit = 1) {
    auto read = parse_lines(body, unit, now);
    INFO(body);
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    return *std::move(read);
}

Point one(std::string_view line, std::int64_t unit = 1) {
    auto all = points(line, unit);
    REQUIRE(all.size() == 1);
    return all.front();
}

FieldValue value(const std::string& text) {
    const Point p = one("m f=" + text);
    REQUIRE(p.fields.size() == 1);
    return p.fields.front().second;
}

std::string refusal(std::string_view body) {
    const auto read = parse_lines(body, 1, now);
    return read.ok() ? "accepted" : read.error().message;
}

} // namespace

TEST_CASE("a line gives its measurement, its tags in order, its fields and its time") {
    const Point p = one("machine,site=north,line=1 temp=21.5,count=3i 1234567890123456789");
    CHECK(p.measurement == "machine");
    CHECK(p.tags == std::vector<std::pair<std::string, std::string>>{{"line", "1"}, {"site", "north"}});
    REQUIRE(p.fields.size() == 2);
    CHECK(p.fields[0] == std::pair<std::string, FieldValue>{"temp", 21.5});
    CHECK(p.fields[1] == std::pair<std::string, FieldValue>{"count", std::int64_t{3}});
    CHECK(p.time == Time{1234567890123456789});
}

TEST_CASE("each field type is read up to its limits") {
    CHECK(value("9223372036854775807i") == FieldValue{std::numeric_limits<std::int64_t>::max()});
    CHECK(value("-9223372036854775808i") == FieldValue{std::numeric_limits<std::int64_t>::min()});
    CHECK(value("18446744073709551615u") == FieldValue{std::numeric_limits<std::uint64_t>::max()});
    CHECK(value("1.7976931348623157e+308") == FieldValue{std::numeric_limits<double>::max()});
    CHECK(value("5e-324") == FieldValue{std::numeric_limits<double>::denorm_min()});
    CHECK(value("1") == FieldValue{1.0});
    CHECK(value("+1.5") == FieldValue{1.5});
    CHECK(std::signbit(std::get<double>(value("-0"))));
    for (const char* text : {"t", "T", "true", "True", "TRUE"}) {
        CHECK(value(text) == FieldValue{true});
    }
    for (const char* text : {"f", "F", "false", "False", "FALSE"}) {
        CHECK(value(text) == FieldValue{false});
    }
    CHECK(value(R"("")") == FieldValue{std::string{}});
    CHECK(value(R"("a \"word\", a \\ and a \n")") == FieldValue{std::string{R"(a "word", a \ and a \n)"}});
    CHECK(value("\"two\nlines, three=four\"") == FieldValue{std::string{"two\nlines, three=four"}});
}

TEST_CASE("escapes in names and tags are taken away, other backslashes stay") {
    const Point p = one(R"(my\ me\,as\=ure,tag\ \,\=key=va\ l\,u\=e,path=C:\dir\\x f\ \,\=ield="v" 5)");
    CHECK(p.measurement == R"(my me,as\=ure)");
    CHECK(p.tags == std::vector<std::pair<std::string, std::string>>{{"path", R"(C:\dir\\x)"}, {"tag ,=key", "va l,u=e"}});
    CHECK(p.fields[0].first == "f ,=ield");
}

TEST_CASE("a time counts in the request's precision, and a line without one has the server's") {
    CHECK(one("m f=1 7", *precision_unit("s")).time == Time{7'000'000'000});
    CHECK(one("m f=1 -7", *precision_unit("ms")).time == Time{-7'000'000});
    CHECK(one("m f=1 7", *precision_unit("us")).time == Time{7'000});
    CHECK(one("m f=1").time == now);
    CHECK(one("m f=1 ").time == now);
    CHECK_FALSE(precision_unit("m").has_value());
}

TEST_CASE("comments and empty lines are skipped, the last line needs no end") {
    CHECK(points("# a comment\n\n  \nm f=1\n m f=2 5\n\nm f=\"a\nb\" 6").size() == 3);
    CHECK(points("").empty());
}

TEST_CASE("a bad line fails the body in the server's words, with the line and what is wrong") {
    struct Case {
        const char *line, *why;
    };
    const Case cases[] = {
        {",t=v f=1", "missing measurement"},
        {"m", "missing fields"},
        {"m,t=v", "missing fields"},
        {"m,=v f=1", "missing tag key"},
        {"m,t f=1", "missing tag value"},
        {"m,t= f=1", "missing tag value"},
        {"m,t=a=b f=1", "invalid tag format"},
        {"m,t=a,t=b f=1", "duplicate tags"},
        {"m =1", "missing field key"},
        {"m f", "invalid field format"},
        {"m f=", "missing field value"},
        {"m f=,g=1", "missing field value"},
        {"m f=\"open", "unbalanced quotes"},
        {"m f=abc", "invalid number"},
        {"m f=truth", "invalid boolean"},
        {"m f=NaN", "invalid number"},
        {"m f=Inf", "invalid number"},
        {"m f=1.5i", "invalid number"},
        {"m f=-1u", "invalid number"},
        {"m f=1e999", "invalid number"},
        {"m f=9223372036854775808i",
         "unable to parse integer 9223372036854775808: strconv.ParseInt: parsing \"9223372036854775808\": value out of range"},
        {"m f=1 noon", "bad timestamp"},
        {"m f=1 5 6", "bad timestamp"},
        {"m f=1 9223372036854775807", "time outside range -9223372036854775806 - 9223372036854775806"},
    };
    for (const Case& c : cases) {
        CHECK(refusal(c.line) == "unable to parse '" + std::string{c.line} + "': " + c.why);
    }
    CHECK(refusal("m f=1\nm f\nm f=2\nm") == "unable to parse 'm f': invalid field format\nunable to parse 'm': missing fields");
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += "m\n";
    }
    CHECK(refusal(many).size() < 500);
}
