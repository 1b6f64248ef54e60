// The configuration of output/file@v1 as values.
#pragma once

#include "core/path_template.hpp"
#include "fluxgate/stage.hpp"
#include "jsonpath/json_path.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::core {

enum class FileFormat {
    json,         // one array
    json_stream,  // one document a line
    line_protocol // one line of InfluxDB's line protocol a message
};

enum class Compression { none, gzip };

struct FileSettings {
    std::string root_directory;
    PathTemplate file_path;
    FileFormat format = FileFormat::json_stream;
    Compression compression = Compression::none;
    jsonpath::JsonPath path;                                 // format.path or batch.path, ".payload" by default
    std::chrono::nanoseconds time = std::chrono::minutes{1}; // batch.time: a file closes this long after its first message
    std::uint64_t max_file_bytes = 128u << 20;               // fixed; smaller in tests
};

struct ParsedFileSettings {
    std::optional<FileSettings> settings; // present when no violation is an error
    std::vector<stage::Violation> violations;
};

// Schema (schemas/output.file.v1.json), then meaning. No I/O.
ParsedFileSettings parse_file_settings(std::string_view document);
std::vector<stage::Violation> validate_file(std::string_view document);
std::string_view file_schema() noexcept;

} // namespace fluxgate::core
