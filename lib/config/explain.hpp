// A document as it takes effect: every default written out, references resolved, settings from elsewhere put in.
#pragma once

#include "config/reading.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

struct Explanation {
    std::optional<std::string> text;   // present when no violation is an error
    std::vector<Violation> violations; // of the document as it was given
};

// Strict JSON, indented, of the same form as the document; a bare source becomes the pipeline that it stands for. The pipeline's member
// "$origins" says for each value that the document does not hold itself where it comes from: pointer to words, {"/input/port": "the
// environment variable PORT", "/queue": "default"}.
//
// It reads again as the same pipeline, with and without references being expanded: what looks like one is written with two dollars only
// in the former case, so `reading` says which is meant. A secret stays the name it is.
//
// Defaults are the schemas' `default`s. Two keywords of ours make them exact: "x-same-as": POINTER (when that field of the stage is
// given, its value is the default) and "x-at-least": POINTER (when that field, a duration, is given and longer, it is the default). A
// default that cannot stand where it would be written, or makes the stage warn, is left out.
[[nodiscard]] Explanation explain_pipeline(std::string_view text, const StageCatalog& catalog, const Reading& reading);

} // namespace fluxgate::config
