#include "config/pipeline_document.hpp"

#include "config/byte_size.hpp"
#include "config/document_form.hpp"
#include "config/findings.hpp"
#include "config/json_text.hpp"
#include "config/names.hpp"
#include "config/pipeline_graph.hpp"
#include "config/reading.hpp"
#include "config/schema_check.hpp"
#include "config/show.hpp"
#include "pipeline_schema.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace fluxgate::config {

namespace {

using rapidjson::Value;

constexpr const char* source_id = "input";
constexpr const char* stdout_type = "output/stdout@v1";

std::string_view kind_name(std::int32_t kind) {
    return kind == FG_KIND_SOURCE ? "a source" : kind == FG_KIND_PROCESSOR ? "a processor" : "an output";
}

class Reader {
public:
    Reader(const Value& root, const StageCatalog& catalog) : root_{root}, catalog_{catalog}, form_{form_of(root, catalog)} {}

    void read() {
        if (form_.bare)
            read_bare();
        else
            read_pipeline();
        if (const Value* metadata = object_member_of(root_, "metadata"))
            if (const Value* name = member_of(*metadata, "name"); name != nullptr && name->IsString()) document.name = text_of(name);
    }

    PipelineDocument document;
    Findings findings;

private:
    void read_pipeline() {
        const Value& properties = *form_.properties;
        findings.add(check_schema(properties, embedded::pipeline), form_.pointer);
        hint_misspelt();
        document.display_name = text_of(member_of(properties, "displayName"));
        document.description = text_of(member_of(properties, "description"));
        if (const Value* enabled = member_of(properties, "enabled"); enabled != nullptr && enabled->IsBool()) document.enabled = enabled->GetBool();
        read_queue(member_of(properties, "queue"));

        const Value* input = object_member_of(properties, source_id);
        if (input != nullptr) {
            document.input = stage(*input, source_id, child(form_.pointer, source_id));
        } else {
            vertices_.push_back({source_id, child(form_.pointer, source_id), std::nullopt, false, {}}); // reported by the schema
        }
        if (const Value* stages = object_member_of(properties, "stages")) read_stages(*stages);
        check_graph(vertices_, findings);
    }

    void read_stages(const Value& stages) {
        const std::string pointer = child(form_.pointer, "stages");
        std::unordered_set<std::string> seen; // a second stage of an id was reported as a field given twice
        for (const auto& entry : stages.GetObject()) {
            if (findings.full()) return;
            const std::string id = text_of(&entry.name);
            const std::string at = child(pointer, id);
            if (id == source_id || id.empty())
                findings.error(at, "the id " + quoted(id) + (id.empty() ? " is empty" : " is the source's") + "; give the stage another one");
            else if (entry.value.IsObject() && seen.insert(id).second)
                document.stages.push_back(stage(entry.value, id, at));
        }
    }

    void read_bare() {
        const Value& source = *form_.properties;
        document.display_name = text_of(member_of(source, "displayName"));
        document.description = text_of(member_of(source, "description"));
        document.input = stage(source, source_id, "");
        if (const Value* next = member_of(source, "next"); next != nullptr && !(next->IsArray() && next->Empty()))
            findings.warning("/next", "ignored: the messages of a source document without a pipeline go to standard output");
        document.input.next = {"stdout"};
        document.stages.push_back({"stdout", stdout_type, "Standard output", "", std::string{R"({"type":")"} + stdout_type + R"("})", {}});
        if (!catalog_.kind_of(stdout_type))
            findings.error("", "a source document without a pipeline needs the stage type " + quoted(stdout_type) + known_types({}));
    }

    // Reads what belongs to every stage, and has its type check the rest.
    StageNode stage(const Value& object, const std::string& id, const std::string& pointer) {
        StageNode node{id, text_of(member_of(object, "type")), text_of(member_of(object, "displayName")), pointer, to_text(object), {}};
        GraphVertex vertex{id, pointer, catalog_.kind_of(node.type), true, {}};
        read_next(member_of(object, "next"), vertex);
        for (const GraphEdge& edge : vertex.next)
            node.next.push_back(edge.target);
        check_type(node, vertex.kind);
        vertices_.push_back(std::move(vertex));
        return node;
    }

    // What is malformed was reported by the schema.
    static void read_next(const Value* next, GraphVertex& vertex) {
        if (next == nullptr) return;
        const std::string pointer = child(vertex.pointer, "next");
        if (next->IsString())
            vertex.next.push_back({text_of(next), pointer});
        else if (!next->IsArray())
            vertex.next_known = false;
        else
            for (rapidjson::SizeType i = 0; i < next->Size(); ++i) {
                if ((*next)[i].IsString())
                    vertex.next.push_back({text_of(&(*next)[i]), child(pointer, i)});
                else
                    vertex.next_known = false;
            }
    }

    void check_type(const StageNode& node, std::optional<std::int32_t>& kind) {
        if (node.type.empty()) return; // reported by the schema
        const std::string at = child(node.pointer, "type");
        const bool is_source = node.id == source_id;
        if (!kind) {
            findings.error(at, "there is no stage type " + quoted(node.type) + known_types(node.type));
            return;
        }
        if (is_source != (*kind == FG_KIND_SOURCE)) {
            const std::string what = quoted(node.type) + " is " + std::string{kind_name(*kind)};
            findings.error(at,
                           is_source ? what + ", but \"input\" must be a source; sources: " + sources() : what + "; a source can only be \"input\"");
            kind.reset();
            return;
        }
        findings.add(catalog_.validate(node.type, node.document), node.pointer);
    }

    [[nodiscard]] std::string known_types(std::string_view type) const {
        const std::vector<std::string> types = catalog_.types();
        const std::vector<std::string_view> names{types.begin(), types.end()};
        if (names.empty()) return "; no plugin was found";
        const std::string_view near = nearest_name(type, names);
        return (near.empty() ? "" : "; did you mean " + quoted(near) + "?") + "; known types: " + quoted_list(names);
    }

    [[nodiscard]] std::string sources() const {
        std::vector<std::string_view> names;
        const std::vector<std::string> types = catalog_.types();
        for (const std::string& type : types)
            if (catalog_.kind_of(type) == FG_KIND_SOURCE) names.push_back(type);
        return names.empty() ? "none" : quoted_list(names);
    }

    // Unknown fields are ignored, but one that is nearly ours says something that would not be done.
    void hint_misspelt() {
        const Value& properties = *form_.properties;
        std::vector<std::string_view> absent;
        for (const char* name : {"displayName", "description", "enabled", "queue"})
            if (member_of(properties, name) == nullptr) absent.push_back(name);
        if (!properties.IsObject()) return;
        for (const auto& field : properties.GetObject()) {
            const std::string name = text_of(&field.name);
            if (name == source_id || name == "stages") continue;
            const std::string_view near = nearest_name(name, absent);
            if (!near.empty()) findings.warning(child(form_.pointer, name), "this field is ignored; did you mean " + quoted(near) + "?");
        }
    }

    void read_queue(const Value* queue) {
        if (queue == nullptr || !queue->IsObject()) return;
        const auto read = [&](const char* name, std::uint64_t& into) {
            const Value* value = member_of(*queue, name);
            if (value == nullptr) return false;
            const auto bytes = byte_size_of(*value);
            if (bytes) into = *bytes; // else reported by the schema
            return bytes.ok();
        };
        const bool max = read("maxBytes", document.queue_max_bytes), total = read("totalBytes", document.queue_total_bytes);
        if (document.queue_max_bytes <= document.queue_total_bytes) return;
        if (max && total)
            findings.error(form_.pointer + "/queue/maxBytes", "must be at most \"totalBytes\", " + std::to_string(document.queue_total_bytes) +
                                                                  " bytes; found " + std::to_string(document.queue_max_bytes));
        // The bound that was given moves the default of the other.
        else if (max)
            document.queue_total_bytes = document.queue_max_bytes;
        else
            document.queue_max_bytes = document.queue_total_bytes;
    }

    const Value& root_;
    const StageCatalog& catalog_;
    const DocumentForm form_;
    std::vector<GraphVertex> vertices_;
};

} // namespace

ParsedPipeline parse_pipeline(std::string_view text, const StageCatalog& catalog) {
    return parse_pipeline(text, catalog, Reading{});
}

ParsedPipeline parse_pipeline(std::string_view text, const StageCatalog& catalog, const Reading& reading) {
    PreparedDocument prepared = prepare_document(text, catalog, reading);
    JsonText& json = prepared.json;
    ParsedPipeline out;
    if (!json.parsed) {
        out.violations = std::move(json.violations);
        return out;
    }
    if (!json.dom.IsObject()) {
        out.violations.push_back({"", "a pipeline document must be an object; found " + show(json.dom)});
        return out;
    }
    Reader reader{json.dom, catalog};
    reader.read();
    Findings findings;
    findings.add(json.violations);
    findings.add(without_hidden(std::move(reader.findings).take(json.dom), prepared, text));
    out.violations = std::move(findings).take(json.dom);
    if (!has_error(out.violations)) out.document = std::move(reader.document);
    return out;
}

} // namespace fluxgate::config
