#include "core/file_settings.hpp"
#include "core/stdout_output.hpp"

#include "config/duration.hpp"
#include "config/findings.hpp"
#include "config/schema_check.hpp"
#include "core_schemas.hpp"

namespace fluxgate::core {
namespace {

using config::Findings;
using config::JsonText;

// The text at a path of member names, or `fallback` when it is not there. The schema has checked the types.
std::string text_at(const rapidjson::Value& document, std::initializer_list<const char*> names, const std::string& fallback = {}) {
    const rapidjson::Value* at = &document;
    for (const char* name : names) {
        if (!at->IsObject()) return fallback;
        const auto member = at->FindMember(name);
        if (member == at->MemberEnd()) return fallback;
        at = &member->value;
    }
    if (at->IsString()) return {at->GetString(), at->GetStringLength()};
    return fallback;
}

// Reads a path setting; a violation at the pointer when it is wrong.
jsonpath::JsonPath read_path(const std::string& text, std::string_view pointer, Findings& findings) {
    Result<jsonpath::JsonPath> path = jsonpath::JsonPath::compile(text);
    if (path.ok()) return *std::move(path);
    if (!findings.error_within(pointer)) findings.error(std::string{pointer}, path.error().message);
    return {};
}

// One of format.path and batch.path, or both and alike.
jsonpath::JsonPath read_file_path_setting(const rapidjson::Value& document, Findings& findings) {
    const std::string format = text_at(document, {"format", "path"}), batch = text_at(document, {"batch", "path"});
    if (!format.empty() && !batch.empty() && format != batch) {
        findings.error("/batch/path", "\"" + batch + "\" differs from format.path, \"" + format +
                                          "\"; both mean the same part of the message: remove one of them or make them equal");
    }
    if (!format.empty() && format != batch && !batch.empty()) static_cast<void>(read_path(batch, "/batch/path", findings));
    if (!format.empty()) return read_path(format, "/format/path", findings);
    return read_path(batch.empty() ? ".payload" : batch, "/batch/path", findings);
}

} // namespace

ParsedStdoutSettings parse_stdout_settings(std::string_view document) {
    const JsonText json = config::check_text(document, embedded::output_stdout);
    Findings findings;
    findings.add(json.violations);
    StdoutSettings settings;
    if (json.parsed) settings.path = read_path(text_at(json.dom, {"format", "path"}, "."), "/format/path", findings);
    ParsedStdoutSettings parsed;
    parsed.violations = std::move(findings).take(json.dom);
    if (!config::has_error(parsed.violations)) parsed.settings = std::move(settings);
    return parsed;
}

ParsedFileSettings parse_file_settings(std::string_view document) {
    const JsonText json = config::check_text(document, embedded::output_file);
    Findings findings;
    findings.add(json.violations);
    FileSettings settings;
    if (json.parsed) {
        settings.root_directory = text_at(json.dom, {"rootDirectory"});
        if (settings.root_directory.find('\0') != std::string::npos)
            findings.error("/rootDirectory", "a NUL character was found; the name of a directory has none");
        const std::string file_path = text_at(json.dom, {"filePath"});
        Result<PathTemplate> compiled = PathTemplate::compile(file_path);
        if (compiled.ok())
            settings.file_path = *std::move(compiled);
        else if (!findings.error_within("/filePath"))
            findings.error("/filePath", compiled.error().message);
        const std::string format = text_at(json.dom, {"format", "type"});
        settings.format = format == "json" ? FileFormat::json : format == "lineProtocol" ? FileFormat::line_protocol : FileFormat::json_stream;
        settings.compression = text_at(json.dom, {"compression"}, "none") == "gzip" ? Compression::gzip : Compression::none;
        settings.path = read_file_path_setting(json.dom, findings);
        const std::string_view path = !text_at(json.dom, {"format", "path"}).empty() ? "/format/path" : "/batch/path";
        const bool given = !text_at(json.dom, {"format", "path"}).empty() || !text_at(json.dom, {"batch", "path"}).empty();
        if (settings.format == FileFormat::line_protocol && given)
            findings.error(std::string{path}, "has no meaning with format.type \"lineProtocol\", which is made of the whole message; remove it");
        const Result<std::chrono::nanoseconds> time = config::parse_duration(text_at(json.dom, {"batch", "time"}, "60s"));
        if (time.ok())
            settings.time = *time;
        else if (!findings.error_within("/batch/time"))
            findings.error("/batch/time", time.error().message);
    }
    ParsedFileSettings parsed;
    parsed.violations = std::move(findings).take(json.dom);
    if (!config::has_error(parsed.violations)) parsed.settings = std::move(settings);
    return parsed;
}

std::vector<stage::Violation> validate_stdout(std::string_view document) {
    return parse_stdout_settings(document).violations;
}

std::vector<stage::Violation> validate_file(std::string_view document) {
    return parse_file_settings(document).violations;
}

std::string_view stdout_schema() noexcept {
    return embedded::output_stdout;
}

std::string_view file_schema() noexcept {
    return embedded::output_file;
}

} // namespace fluxgate::core
