#include "runtime/violations.hpp"

#include "fluxgate/pipeline.hpp"

#include <rapidjson/document.h>

namespace fluxgate {

namespace runtime {

Error configuration_error(const std::string& what, const std::vector<stage::Violation>& violations) {
    std::size_t count = 0;
    const stage::Violation* first = nullptr;
    for (const stage::Violation& violation : violations) {
        if (violation.warning) continue;
        if (first == nullptr) first = &violation;
        ++count;
    }
    std::string message = what;
    if (first != nullptr) {
        message += count == 1 ? ": " : " (" + std::to_string(count) + " violations), the first: ";
        message += (first->pointer.empty() ? std::string{"the document"} : first->pointer) + ": " + first->message;
    }
    return {Errc::configuration, std::move(message), {}, stage::violations_json(violations)};
}

} // namespace runtime

std::vector<Violation> violations_of(const Error& error) {
    std::vector<Violation> out;
    rapidjson::Document details;
    details.Parse<rapidjson::kParseIterativeFlag>(error.details.data(), error.details.size());
    const auto text = [](const rapidjson::Value& object, const char* name) {
        const auto at = object.FindMember(name);
        return at != object.MemberEnd() && at->value.IsString() ? std::string{at->value.GetString(), at->value.GetStringLength()} : std::string{};
    };
    if (!details.HasParseError() && details.IsArray())
        for (const rapidjson::Value& entry : details.GetArray())
            if (entry.IsObject()) out.push_back({text(entry, "pointer"), text(entry, "message"), text(entry, "severity") == "warning"});
    if (out.empty()) out.push_back({"", error.text(), false});
    return out;
}

} // namespace fluxgate
