#include "config/schema_check.hpp"

// valijson ends the process on a schema that it cannot use unless this is defined; its RapidJSON adapter, on the other
// hand, would then give RapidJSON's inline functions another assertion than they have in every other file.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/exceptions.hpp>
#undef VALIJSON_USE_EXCEPTIONS

#include <valijson/adapters/rapidjson_adapter.hpp>

#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <exception>
#include <string>

namespace fluxgate::config {

namespace {

// valijson writes a path as "<root>", "[name]", "[0]".
std::string pointer_of(const std::vector<std::string>& context) {
    std::string out;
    for (std::size_t i = 1; i < context.size(); ++i) {
        const std::string& step = context[i];
        const bool bracketed = step.size() >= 2 && step.front() == '[' && step.back() == ']';
        out = child(out, bracketed ? std::string_view{step}.substr(1, step.size() - 2) : std::string_view{step});
    }
    return out;
}

bool has_deeper(const std::vector<Violation>& violations, const std::string& pointer) {
    for (const Violation& v : violations)
        if (v.pointer.size() > pointer.size() && v.pointer.compare(0, pointer.size(), pointer) == 0 && v.pointer[pointer.size()] == '/') return true;
    return false;
}

} // namespace

std::vector<Violation> judge_schema(const rapidjson::Value& value, const rapidjson::Value& schema) try {
    valijson::Schema compiled;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::RapidJsonAdapter{schema}, compiled);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(compiled, valijson::adapters::RapidJsonAdapter{value}, &results)) return {};
    std::vector<Violation> all;
    for (const auto& found : results) {
        if (all.size() == max_violations) break;
        all.push_back({pointer_of(found.context), found.description});
    }
    std::vector<Violation> innermost;
    for (const Violation& v : all)
        if (!has_deeper(all, v.pointer)) innermost.push_back(v);
    if (innermost.empty()) innermost.push_back({"", "the document does not match the schema"});
    return innermost;
} catch (const std::exception& problem) {
    return {{"", std::string{"the schema cannot be used to check this document: "} + problem.what()}};
}

} // namespace fluxgate::config
