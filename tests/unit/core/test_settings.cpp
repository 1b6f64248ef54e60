#include "core/file_settings.hpp"
#include "core/stdout_output.hpp"

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace fluxgate::core;

namespace {

std::string file_document(const std::string& format, const std::string& more = "", const std::string& path = "a-{{fileNumber}}.json") {
    return R"({"type":"output/file@v1","displayName":"f","rootDirectory":"/data","filePath":")" + path + R"(","format":)" + format + more + "}";
}

std::string pointers(const std::vector<fluxgate::stage::Violation>& violations) {
    std::string out;
    for (const auto& one : violations)
        if (!one.warning) out += (out.empty() ? "" : " ") + one.pointer;
    return out;
}

} // namespace

TEST_CASE("settings of stdout: the path is the whole message unless it is given") {
    CHECK(parse_stdout_settings(R"({"type":"output/stdout@v1"})").settings->path.is_identity());
    CHECK(parse_stdout_settings(R"({"type":"output/stdout@v1","format":{"type":"json","path":".payload"}})").settings->path.is_payload());
}

TEST_CASE("settings of stdout: a bad path or field is a violation with its pointer") {
    CHECK(pointers(validate_stdout(R"({"type":"output/stdout@v1","format":{"type":"json","path":"payload"}})")) == "/format/path");
    CHECK(pointers(validate_stdout(R"({"type":"output/stdout@v1","fromat":{}})")) == "/fromat");
    CHECK_FALSE(validate_stdout("[1]").empty());
    CHECK_FALSE(validate_stdout("{").empty());
}

TEST_CASE("settings of file: defaults are .payload and 60 seconds") {
    const auto parsed = parse_file_settings(file_document(R"({"type":"jsonStream"})"));
    REQUIRE(parsed.settings);
    CHECK(parsed.settings->root_directory == "/data");
    CHECK(parsed.settings->format == FileFormat::json_stream);
    CHECK(parsed.settings->path.is_payload());
    CHECK(parsed.settings->time == std::chrono::seconds{60});
    CHECK(parsed.settings->max_file_bytes == 128u << 20);
}

TEST_CASE("settings of file: format.path and batch.path mean the same") {
    const auto path_of = [](const std::string& document) {
        const auto parsed = parse_file_settings(document);
        return parsed.settings ? parsed.settings->path.text() : pointers(parsed.violations);
    };
    CHECK(path_of(file_document(R"({"type":"json","path":"."})")) == ".");
    CHECK(path_of(file_document(R"({"type":"json"})", R"(,"batch":{"time":"5s","path":".a"})")) == ".a");
    CHECK(path_of(file_document(R"({"type":"json","path":".a"})", R"(,"batch":{"path":".a"})")) == ".a");
    CHECK(path_of(file_document(R"({"type":"json","path":".a"})", R"(,"batch":{"path":".b"})")) == "/batch/path");
}

TEST_CASE("settings of file: every violation is reported at once, with its pointer") {
    const auto parsed = parse_file_settings(file_document(R"({"type":"json","path":"x"})", R"(,"batch":{"time":"soon"})", "../{{nope}}"));
    CHECK_FALSE(parsed.settings);
    CHECK(pointers(parsed.violations) == "/filePath /format/path /batch/time");
    CHECK(pointers(validate_file(R"({"type":"output/file@v1"})")) == "/rootDirectory /filePath /format");
    CHECK(pointers(validate_file(file_document(R"({"type":"parquet"})"))) == "/format/type");
    CHECK(pointers(validate_file(file_document(R"({"type":"json"})", "", "/abs"))) == "/filePath");
}

TEST_CASE("settings of file: line protocol has no path, compression is none or gzip") {
    const auto parsed = parse_file_settings(file_document(R"({"type":"lineProtocol"})", R"(,"compression":"gzip")"));
    REQUIRE(parsed.settings);
    CHECK(parsed.settings->format == FileFormat::line_protocol);
    CHECK(parsed.settings->compression == Compression::gzip);
    CHECK(parse_file_settings(file_document(R"({"type":"json"})")).settings->compression == Compression::none);
    CHECK(pointers(validate_file(file_document(R"({"type":"lineProtocol","path":"."})"))) == "/format/path");
    CHECK(pointers(validate_file(file_document(R"({"type":"lineProtocol"})", R"(,"batch":{"path":"."})"))) == "/batch/path");
    CHECK(pointers(validate_file(file_document(R"({"type":"json"})", R"(,"compression":"zip")"))) == "/compression");
}
