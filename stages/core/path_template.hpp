// `filePath` of output/file@v1: a mustache template for names of files below a root directory.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::core {

// What the variables stand for. Times are UTC.
struct PathValues {
    std::string_view pipeline_id, instance_id;
    std::uint32_t partition_id = 0;
    std::int64_t wall_ns = 0;                             // YYYY, MM, DD, HH, mm: the file's opening
    std::string_view window_start = {}, window_stop = {}; // RFC 3339, as a message has them; empty: "none"
};

// Text with {{variable}} ({{ variable }} and {{{variable}}} too): pipelineId, instanceId, partitionId, YYYY, MM, DD, HH,
// mm, fileNumber, windowStart, windowStop (20261121T100000Z: without - and :). What it renders to is always a relative path of proper names: the
// template's own text is checked when it is compiled, and in values every character but letters, digits, '.', '_' and '-' becomes '_', as do the dots
// of a value made of dots alone.
class PathTemplate {
public:
    // Errc::configuration for an unknown variable (with the nearest known), braces that do not end, an absolute path, and
    // empty, "." or ".." components.
    static Result<PathTemplate> compile(std::string_view text);

    // The relative path for a file number. A template without fileNumber has its text for number 0, and for a later n
    // "-<n>" before the extension of the last component.
    [[nodiscard]] std::string render(const PathValues& values, std::uint64_t file_number) const;

    // It has windowStart or windowStop, so a file holds messages of one window.
    [[nodiscard]] bool names_window() const noexcept { return windowed_; }

private:
    enum class Variable { literal, pipeline_id, instance_id, partition_id, year, month, day, hour, minute, file_number, window_start, window_stop };
    struct Part {
        Variable variable = Variable::literal;
        std::string literal;
    };
    struct Name {
        std::string_view text;
        Variable variable;
    };
    static const std::vector<Name>& names();
    static Result<Variable> variable_of(std::string_view name);

    std::vector<Part> parts_;
    bool numbered_ = false, windowed_ = false;
};

} // namespace fluxgate::core
