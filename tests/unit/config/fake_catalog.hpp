// Stage types for tests of pipeline documents: one of each kind, and standard output.
#pragma once

#include "config/pipeline_document.hpp"

#include <string>
#include <vector>

namespace fluxgate::config {

class FakeCatalog : public StageCatalog {
public:
    std::optional<std::int32_t> kind_of(std::string_view type) const override {
        if (type == "input/fake@v1") return FG_KIND_SOURCE;
        if (type == "processor/fake@v1") return FG_KIND_PROCESSOR;
        if (type == "output/fake@v1" || type == "output/stdout@v1") return FG_KIND_OUTPUT;
        return std::nullopt;
    }
    // A stage that has the field "bad" has a violation there, and one that has "odd" a warning.
    std::vector<Violation> validate(std::string_view, std::string_view document) const override {
        std::vector<Violation> out;
        if (document.find("\"bad\":") != std::string_view::npos) out.push_back({"/bad", "is bad", false});
        if (document.find("\"odd\":") != std::string_view::npos) out.push_back({"/odd", "is odd", true});
        return out;
    }
    std::vector<std::string> types() const override { return {"input/fake@v1", "output/fake@v1", "output/stdout@v1", "processor/fake@v1"}; }
};

} // namespace fluxgate::config
