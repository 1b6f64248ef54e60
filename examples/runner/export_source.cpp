#include "export_source.hpp"

#include "config/pipeline_document.hpp"
#include "config/reading.hpp"
#include "config/url.hpp"

#include <utility>

namespace fluxgate::runner {

namespace {

// The stage types of the host, for taking a document apart that the host has found valid. Without schemas the references of stages
// stay as they are written, all but those of `type` and `next`.
class KnownTypes final : public config::StageCatalog {
public:
    KnownTypes(const Host& host, bool with_schemas) : types_(host.stage_types()), with_schemas_(with_schemas) {}
    [[nodiscard]] std::optional<std::int32_t> kind_of(std::string_view type) const override {
        const StageTypeInfo* found = find(type);
        return found == nullptr ? std::nullopt : std::optional{found->kind};
    }
    [[nodiscard]] std::vector<config::Violation> validate(std::string_view, std::string_view) const override { return {}; }
    [[nodiscard]] std::string schema_of(std::string_view type) const override {
        const StageTypeInfo* found = with_schemas_ ? find(type) : nullptr;
        return found == nullptr ? std::string{} : found->schema;
    }
    [[nodiscard]] std::vector<std::string> types() const override {
        std::vector<std::string> out;
        for (const StageTypeInfo& one : types_)
            out.push_back(one.name);
        return out;
    }

private:
    [[nodiscard]] const StageTypeInfo* find(std::string_view type) const {
        for (const StageTypeInfo& one : types_)
            if (one.name == type) return &one;
        return nullptr;
    }

    const std::vector<StageTypeInfo> types_;
    const bool with_schemas_;
};

std::string text_member(const config::JsonText& source, const char* name) {
    const auto member = source.dom.FindMember(name);
    if (member == source.dom.MemberEnd() || !member->value.IsString()) return {};
    return {member->value.GetString(), member->value.GetStringLength()};
}

// "http://[::1]:8086/prefix", whether the port stands in `url` or beside it.
std::string address_of(const config::JsonText& source) {
    std::string text = text_member(source, "url");
    const Result<config::ServerUrl> url = config::parse_server_url(text);
    if (!url.ok()) return text;
    const auto beside = source.dom.FindMember("port");
    const unsigned port = url->port ? *url->port : beside != source.dom.MemberEnd() && beside->value.IsUint() ? beside->value.GetUint() : 443;
    const bool v6 = url->host.find(':') != std::string::npos;
    return (url->https ? "https://" : "http://") + (v6 ? "[" + url->host + "]" : url->host) + ":" + std::to_string(port) + url->prefix;
}

} // namespace

std::optional<ExportSource> export_source_of(const Host& host, const CommonOptions& common, const std::string& document) {
    config::Reading reading;
    reading.comments = true;
    reading.variables = environment_variable;
    config::ParsedPipeline written = config::parse_pipeline(document, KnownTypes{host, false}, reading);
    if (common.service) reading.source = config::patch_of(*common.service);
    const config::ParsedPipeline effective = config::parse_pipeline(document, KnownTypes{host, true}, reading);
    if (!written.document || !effective.document || effective.document->input.type != "input/influxdbv2@v1") return std::nullopt;
    const config::JsonText source = config::parse_json(effective.document->input.document);
    return ExportSource{config::parse_json(written.document->input.document), address_of(source), text_member(source, "organization")};
}

} // namespace fluxgate::runner
