#include "config/starting_document.hpp"

#include "config/document_form.hpp"
#include "config/json_text.hpp"
#include "config/references.hpp"
#include "pipeline_schema.hpp"

#include <algorithm>

namespace fluxgate::config {

namespace {

using rapidjson::Value;

constexpr std::size_t widest = 110;

std::string json_string(std::string_view text) {
    return to_text(Value{rapidjson::StringRef(text.data(), text.size())});
}

class Writer {
public:
    // The lines of a text as comments.
    void comment(const std::string& indent, const std::string& text) {
        std::string line;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find(' ', at), text.size());
            const std::string word = text.substr(at, end - at);
            if (!line.empty() && indent.size() + 3 + line.size() + 1 + word.size() > widest) {
                out_.append(indent).append("// ").append(line).append("\n");
                line.clear();
            }
            line += (line.empty() ? "" : " ") + word;
            at = end + 1;
        }
        if (!line.empty()) out_.append(indent).append("// ").append(line).append("\n");
    }

    void line(const std::string& text) { out_ += text + "\n"; }

    // What the schema has and `chosen` has a value for, then the rest, commented out.
    void members(const Value& schema, const Value& chosen, const std::string& indent) {
        const Value* properties = object_member_of(schema, "properties");
        if (properties == nullptr) return;
        for (const auto& property : properties->GetObject()) {
            if (!chosen.HasMember(property.name)) continue;
            const Value& value = chosen[property.name];
            comment(indent, text_of(member_of(property.value, "description")));
            const std::string name = indent + json_string(text_of(&property.name)) + ": ";
            if (value.IsObject() && object_member_of(property.value, "properties") != nullptr) {
                line(name + "{");
                members(property.value, value, indent + "  ");
                line(indent + "},");
            } else {
                line(name + to_text(value) + ",");
            }
        }
        for (const auto& property : properties->GetObject())
            if (!chosen.HasMember(property.name)) offer(text_of(&property.name), property.value, indent);
    }

    std::string take() { return std::move(out_); }

private:
    // A setting commented out, with its default or an example.
    void offer(const std::string& name, const Value& schema, const std::string& indent) {
        if (schema.HasMember("not") || name == "viewOptions") return; // not for people to set
        comment(indent, text_of(member_of(schema, "description")));
        const Value* properties = object_member_of(schema, "properties");
        const std::string open = indent + "// " + json_string(name) + ": ";
        if (properties == nullptr) return line(open + value_of(schema));
        line(open + "{");
        for (const auto& inside : properties->GetObject())
            if (!inside.value.HasMember("not"))
                line(indent + "//   " + json_string(text_of(&inside.name)) + ": " + value_of(inside.value) +
                     (member_of(inside.value, "default") == nullptr ? ". " : " // ") + text_of(member_of(inside.value, "description")));
        line(indent + "// },");
    }

    // The default; without one an example, said to be one.
    static std::string value_of(const Value& schema) {
        if (const Value* fallback = member_of(schema, "default")) return to_text(*fallback) + ",";
        const Value* examples = member_of(schema, "examples");
        const bool any = examples != nullptr && examples->IsArray() && !examples->Empty();
        return (any ? to_text((*examples)[0]) : std::string{"null"}) + ", // no default";
    }

    std::string out_;
};

std::string source_values(const StartOptions& options) {
    std::string out = R"({"type":"input/influxdbv2@v1","displayName":"InfluxDB","url":"${INFLUX_URL:-http://localhost:8086}",)"
                      R"("organization":"${INFLUX_ORG:-my-org}","authentication":{"type":"accessToken","accessToken":"INFLUX_TOKEN"},)"
                      R"("interval":"10s","format":{"type":"json"},"next":["out"],)";
    if (!options.incremental) return out + R"("query":{"expression":)" + json_string(options.query) + "}}";
    // A default ends at the first brace.
    const bool plain = options.bucket.find_first_of("}$") == std::string::npos;
    const std::string bucket = plain ? "${INFLUX_BUCKET:-" + options.bucket + "}" : escape_references(options.bucket);
    return out + R"("incremental":{"start":"-1h"},"read":{"bucket":)" + json_string(bucket) + "}}";
}

std::string output_values(const StartOptions& options) {
    if (!options.files) return R"({"type":"output/stdout@v1"})";
    return R"({"type":"output/file@v1","rootDirectory":"${FLUXGATE_OUT:-out}",)"
           R"("filePath":"{{pipelineId}}/{{partitionId}}/{{YYYY}}-{{MM}}-{{DD}}T{{HH}}{{mm}}-{{fileNumber}}.jsonl","format":{"type":"jsonStream"}})";
}

void introduction(const StartOptions& options, Writer& writer) {
    writer.comment("", "A pipeline of fluxgate. It is JSON with comments; a comma behind the last member does no harm. ${NAME:-default} is the "
                       "environment variable NAME, or the default when it is not set.");
    writer.line("//");
    writer.line("//   export INFLUX_URL=http://localhost:8086 INFLUX_ORG=my-org" +
                std::string{options.incremental ? " INFLUX_BUCKET=" + options.bucket : std::string{}});
    writer.line("//   export INFLUX_TOKEN=...            or a file of this name in the directory given with --secrets");
    writer.line("//   fluxgate validate FILE             names every fault; --explain shows what the document comes to");
    writer.line("//   fluxgate check FILE                tries the server, the token and the query");
    writer.line("//   fluxgate run FILE");
    if (!options.incremental) {
        writer.line("//");
        writer.comment("", "The whole range of the query is read at every interval, so most rows come again; `fluxgate init --incremental` writes a "
                           "document that reads each stretch of time once.");
    }
    writer.line("");
}

} // namespace

std::string starting_document(const StartOptions& options, const std::function<std::string(std::string_view type)>& schema_of) {
    const JsonText source_schema = parse_json(schema_of(starting_source));
    const JsonText output_schema = parse_json(schema_of(options.files ? starting_files : starting_stdout));
    if (!source_schema.parsed || !output_schema.parsed) return {};
    const JsonText pipeline_schema = parse_json(embedded::pipeline);
    JsonText chosen = parse_json(R"({"displayName":"My pipeline"})");
    auto& allocator = chosen.dom.GetAllocator();
    if (!options.schema_location.empty()) chosen.dom.AddMember("$schema", Value{options.schema_location.c_str(), allocator}, allocator);

    JsonText common = parse_json(embedded::pipeline); // without the two members that have schemas of their own
    common.dom["properties"].RemoveMember("input");
    common.dom["properties"].RemoveMember("stages");

    Writer writer;
    introduction(options, writer);
    writer.line("{");
    writer.members(common.dom, chosen.dom, "  ");
    writer.line("");
    writer.comment("  ", text_of(member_of(pipeline_schema.dom["properties"]["input"], "description")));
    writer.line("  \"input\": {");
    JsonText own = parse_json(to_text(source_schema.dom));
    if (own.dom.HasMember("properties")) own.dom["properties"].RemoveMember("$schema"); // of a source alone
    writer.members(own.dom, parse_json(source_values(options)).dom, "    ");
    writer.line("  },\n");
    writer.comment("  ", text_of(member_of(pipeline_schema.dom["properties"]["stages"], "description")));
    writer.line("  \"stages\": {\n    \"out\": {");
    writer.members(output_schema.dom, parse_json(output_values(options)).dom, "      ");
    writer.line("    },\n  },\n}");
    return writer.take();
}

} // namespace fluxgate::config
