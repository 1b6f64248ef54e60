// How a document is read beyond strict JSON: comments, references to environment variables, and settings of the source that come from
// elsewhere. Nothing of it happens unless it is asked for.
#pragma once

#include "config/json_text.hpp"
#include "config/pipeline_document.hpp"
#include "config/references.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

// Members that replace those of the document's source before anything is checked.
struct SourcePatch {
    std::string from;    // for people: `the relationship "influxdb"`
    std::string type;    // the only stage type that it fits
    std::string members; // a JSON object; no references are looked for in it
};

struct Reading {
    bool comments = false; // in documents that no tool exported: comments, and a comma behind the last member or element
    Variables variables;   // none: "${" is text like any other
    std::optional<SourcePatch> source;
};

// Where a value of the document comes from, when it does not stand there.
struct Origin {
    std::string pointer, from;
};

// A value that came from the environment: it is not shown in messages.
struct HiddenValue {
    std::string pointer;
    std::string written; // "${PORT}", "${HOST} and ${PORT}"
    std::string text;    // the whole string
    std::vector<std::string> values;
};

struct PreparedDocument {
    JsonText json; // `violations` also has the faults of references and of the source's patch
    std::vector<Origin> origins;
    std::vector<HiddenValue> hidden;
    std::vector<std::string> faulty; // pointers whose value could not be made; what else is found there says nothing new
};

// Reads text and puts in what comes from elsewhere. References are looked for in the strings of fields that the schemas name, but not in
// those that say "x-code" (expressions), and are refused in those that say "writeOnly" (names of secrets).
[[nodiscard]] PreparedDocument prepare_document(std::string_view text, const StageCatalog& catalog, const Reading& reading);

// What others found about a prepared document, without the values that came from the environment and without what is found only because
// a value could not be made. `text` is the document as it was written: what stands there is no news to its reader.
[[nodiscard]] std::vector<Violation> without_hidden(std::vector<Violation> found, const PreparedDocument& prepared, std::string_view text);

// Calls `visit` for each string in which a reference is looked for. `schema` is that of its place, `secret` whether it may name a secret.
using StringVisitor = std::function<void(rapidjson::Value& string, const rapidjson::Value& schema, const std::string& pointer, bool secret)>;
void visit_strings(rapidjson::Document& root, const StageCatalog& catalog, const StringVisitor& visit);

} // namespace fluxgate::config
