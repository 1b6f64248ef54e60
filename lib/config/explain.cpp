#include "config/explain.hpp"

#include "config/document_form.hpp"
#include "config/explain_defaults.hpp"
#include "config/findings.hpp"
#include "pipeline_schema.hpp"

#include <rapidjson/pointer.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <utility>

namespace fluxgate::config {

namespace {

using rapidjson::Document;
using rapidjson::Value;

constexpr const char* origins_name = "$origins";

bool within(const std::string& pointer, const std::string& ancestor) {
    return pointer.compare(0, ancestor.size(), ancestor) == 0 && (pointer.size() == ancestor.size() || pointer[ancestor.size()] == '/');
}

class Explaining {
public:
    Explaining(PreparedDocument prepared, PipelineDocument document, const StageCatalog& catalog, const Reading& reading)
        : prepared_{std::move(prepared)}, document_{std::move(document)}, catalog_{catalog}, reading_{reading} {}

    Explanation run() {
        Explanation out;
        if (form_of(root(), catalog_).bare) make_pipeline();
        find_pipeline();
        pipeline().RemoveMember(origins_name);
        const std::vector<Violation> before = parse_pipeline(to_text(root()), catalog_).violations;
        fill();
        for (std::size_t round = filled_.size(); round > 0 && drop_unfit(before, out.violations); --round) {
        }
        if (has_error(out.violations)) return out;
        escape();
        add_origins();
        out.text = pretty();
        return out;
    }

private:
    Document& root() { return prepared_.json.dom; }
    Document::AllocatorType& allocator() { return root().GetAllocator(); }
    Value& pipeline() { return pointer_.empty() ? static_cast<Value&>(root()) : root()[pointer_.c_str() + 1]; }

    void find_pipeline() { pointer_ = form_of(root(), catalog_).pointer; }

    // A source alone as the pipeline that the host makes of it.
    void make_pipeline() {
        Value source{root(), allocator()};
        Document made{&allocator()};
        made.SetObject();
        for (const char* name : {"$schema", "displayName", "description"})
            if (const Value* value = member_of(source, name)) made.AddMember(Value{name, allocator()}, Value{*value, allocator()}, allocator());
        source.RemoveMember("$schema");
        source.RemoveMember(origins_name);
        while (source.HasMember("next"))
            source.RemoveMember("next");
        Value next{rapidjson::kArrayType}, stages{rapidjson::kObjectType};
        for (const StageNode& stage : document_.stages) {
            next.PushBack(Value{stage.id.c_str(), allocator()}, allocator());
            const JsonText own = parse_json(stage.document);
            stages.AddMember(Value{stage.id.c_str(), allocator()}, Value{own.dom, allocator()}, allocator());
        }
        source.AddMember("next", next, allocator());
        made.AddMember("input", source, allocator());
        made.AddMember("stages", stages, allocator());
        static_cast<Value&>(root()) = static_cast<Value&>(made);
        for (Origin& origin : prepared_.origins)
            origin.pointer.insert(0, "/input");
        prepared_.origins.push_back({"/stages", "default: the messages of a source alone go to standard output"});
    }

    void fill() {
        const JsonText schema = parse_json(embedded::pipeline);
        fill_queue();
        fill_defaults(pipeline(), schema.dom, pointer_, filled_, allocator());
        if (Value* input = member_of(pipeline(), "input")) fill_stage(*input, child(pointer_, "input"));
        Value* stages = member_of(pipeline(), "stages");
        if (stages == nullptr || !stages->IsObject()) return;
        for (auto& stage : members_of(*stages))
            fill_stage(stage.value, child(child(pointer_, "stages"), text_of(&stage.name)));
    }

    void fill_stage(Value& stage, const std::string& pointer) {
        const JsonText schema = parse_json(catalog_.schema_of(text_of(member_of(stage, "type"))));
        if (stage.IsObject() && schema.parsed && schema.dom.IsObject()) fill_defaults(stage, schema.dom, pointer, filled_, allocator());
    }

    // The bound that was given moves the default of the other.
    void fill_queue() {
        Value* queue = member_of(pipeline(), "queue");
        if (queue == nullptr || !queue->IsObject()) return;
        const PipelineDocument usual;
        const auto add = [&](const char* name, std::uint64_t bytes, std::uint64_t fallback) {
            if (queue->HasMember(name) || bytes == fallback) return;
            queue->AddMember(Value{name, allocator()}, Value{bytes}, allocator());
            filled_.push_back(child(child(pointer_, "queue"), name));
        };
        add("maxBytes", document_.queue_max_bytes, usual.queue_max_bytes);
        add("totalBytes", document_.queue_total_bytes, usual.queue_total_bytes);
    }

    // Takes out a default that makes the document wrong, or warned about, where it was not. False when there is none (any more); what is
    // wrong then is in `left`.
    bool drop_unfit(const std::vector<Violation>& before, std::vector<Violation>& left) {
        left.clear();
        for (const Violation& v : parse_pipeline(to_text(root()), catalog_).violations) {
            const bool known =
                std::any_of(before.begin(), before.end(), [&](const Violation& b) { return b.pointer == v.pointer && b.message == v.message; });
            if (known) continue;
            const auto by =
                std::find_if(filled_.begin(), filled_.end(), [&](const std::string& f) { return within(v.pointer, f) || within(f, v.pointer); });
            if (by != filled_.end() && rapidjson::Pointer{by->c_str()}.Erase(root())) {
                filled_.erase(by);
                return true;
            }
            if (!v.warning)
                left.push_back({v.pointer, v.message + " (with the defaults of the stage's schema, which is a defect of its plugin)", false});
        }
        return false;
    }

    void escape() {
        if (!reading_.variables) return;
        visit_strings(root(), catalog_, [this](Value& string, const Value&, const std::string&, bool) {
            const std::string text = escape_references({string.GetString(), string.GetStringLength()});
            string.SetString(text.c_str(), static_cast<rapidjson::SizeType>(text.size()), allocator());
        });
    }

    void add_origins() {
        Value origins{rapidjson::kObjectType};
        const auto add = [&](const std::string& pointer, const std::string& from) {
            origins.AddMember(Value{pointer.c_str(), allocator()}, Value{from.c_str(), allocator()}, allocator());
        };
        for (const Origin& origin : prepared_.origins)
            add(origin.pointer, origin.from);
        for (const std::string& pointer : filled_)
            add(pointer, "default");
        pipeline().AddMember(Value{origins_name, allocator()}, origins, allocator());
    }

    std::string pretty() {
        rapidjson::StringBuffer buffer;
        rapidjson::PrettyWriter<rapidjson::StringBuffer> writer{buffer};
        writer.SetIndent(' ', 2);
        root().Accept(writer);
        return std::string{buffer.GetString(), buffer.GetSize()} + "\n";
    }

    PreparedDocument prepared_;
    const PipelineDocument document_;
    const StageCatalog& catalog_;
    const Reading& reading_;
    std::string pointer_;             // of the pipeline
    std::vector<std::string> filled_; // what was put in as a default
};

} // namespace

Explanation explain_pipeline(std::string_view text, const StageCatalog& catalog, const Reading& reading) {
    ParsedPipeline parsed = parse_pipeline(text, catalog, reading);
    Explanation out{std::nullopt, std::move(parsed.violations)};
    if (!parsed.document) return out;
    Explanation made = Explaining{prepare_document(text, catalog, reading), std::move(*parsed.document), catalog, reading}.run();
    out.text = std::move(made.text);
    if (!out.text) out.violations = std::move(made.violations);
    return out;
}

} // namespace fluxgate::config
