// A `path` setting: which part of a message an output writes. The subset of jq's paths that Data Processor documents
// use: `.`, `.a`, `."a-b"`, `["a"]`, `[0]`, `[-1]`, and chains of them.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::jsonpath {

// Compiled once, used for many messages, from any thread.
class JsonPath {
public:
    // Errc::configuration with the position (bytes from 0) of what cannot be read.
    static Result<JsonPath> compile(std::string_view text);

    // The whole message, `.`.
    [[nodiscard]] bool is_identity() const noexcept { return steps_.empty(); }
    // Exactly `.payload`, whose place every batch knows already.
    [[nodiscard]] bool is_payload() const noexcept { return payload_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    // The raw text of the value inside `json`, a view into it. What is missing is "null", as in jq: a name an object does
    // not have, an index beyond an array, and any step into null. Of a name that an object has twice the last counts.
    // Errors: Errc::jq for a step into something of the wrong type (jq's "Cannot index ..."), Errc::invalid_argument
    // with the offset for text that is not JSON or nested deeper than max_nesting.
    [[nodiscard]] Result<std::string_view> find(std::string_view json) const;

private:
    struct Step {
        bool by_name = true;
        std::string name;
        std::int64_t index = 0; // negative: from the end
    };
    class Compiler;

    static Result<std::string_view> apply(const Step& step, std::string_view json);

    std::string text_;
    std::vector<Step> steps_;
    bool payload_ = false;
};

} // namespace fluxgate::jsonpath
