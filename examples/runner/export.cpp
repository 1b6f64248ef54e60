// `fluxgate export`: a bucket into files, by a pipeline that reads it window by window and ends.
#include "commands.hpp"
#include "config/json_text.hpp"
#include "config/pipeline_document.hpp"
#include "export_place.hpp"
#include "fluxgate/pipeline.hpp"
#include "json_parts.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

namespace fluxgate::runner {

namespace {

constexpr std::chrono::seconds preflight_time{60};

// The stage types of the host, for taking a document apart that the host has found valid.
class KnownTypes final : public config::StageCatalog {
public:
    explicit KnownTypes(const Host& host) : types_(host.stage_types()) {}
    [[nodiscard]] std::optional<std::int32_t> kind_of(std::string_view type) const override {
        for (const StageTypeInfo& one : types_)
            if (one.name == type) return one.kind;
        return std::nullopt;
    }
    [[nodiscard]] std::vector<config::Violation> validate(std::string_view, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string> types() const override {
        std::vector<std::string> out;
        for (const StageTypeInfo& one : types_)
            out.push_back(one.name);
        return out;
    }

private:
    std::vector<StageTypeInfo> types_;
};

int complain(const Error& error) {
    std::cerr << "fluxgate: " << shown(error.text(), 10) << "\n";
    return error.code == Errc::configuration || error.code == Errc::invalid_argument ? Exit::usage : Exit::failed;
}

// The document of the export: the connection of the given source, reading that bucket into files.
std::string document_of(const config::JsonText& source, const ExportOptions& options, const ExportPlan& plan) {
    std::string input = R"({"type":"input/influxdbv2@v1","displayName":)" + json_string("export of " + plan.bucket);
    for (const char* name : {"url", "port", "organization", "authentication", "timeouts", "retry", "tls", "compression", "limits", "spoolBytes"}) {
        const auto member = source.dom.FindMember(name);
        if (member != source.dom.MemberEnd()) input += "," + json_string(name) + ":" + config::to_text(member->value);
    }
    const bool lines = plan.format == "lp";
    input += R"(,"interval":"1s","delivery":"verified","format":{"type":"json","types":)" + std::string{lines ? "true" : "false"} +
             R"(},"read":{"bucket":)" + json_string(plan.bucket);
    if (!plan.measurements.empty()) input += ",\"measurements\":" + json_list(plan.measurements);
    if (!plan.fields.empty()) input += ",\"fields\":" + json_list(plan.fields);
    input += R"(},"incremental":{"start":)" + json_string(State::format_time(plan.start)) +
             ",\"stop\":" + json_string(State::format_time(plan.stop)) + ",\"window\":" + json_string(options.window) +
             R"(,"delay":"0s"},"next":["files"]})";
    return R"({"displayName":"export","input":)" + input + R"(,"stages":{"files":{"type":"output/file@v1","displayName":"files","rootDirectory":)" +
           json_string(options.out) + ",\"filePath\":" + json_string(plan.file_template()) +
           ",\"compression\":" + (plan.gzip ? "\"gzip\"" : "\"none\"") +
           ",\"format\":" + (lines ? R"({"type":"lineProtocol"})" : R"({"type":"jsonStream","path":".payload"})") + "}}}";
}

// Says what is wrong with a name, the token or the address before anything is made: `schema` up to its first line.
Result<void> preflight(Host& host, const std::string& document, const ExportOptions& options, const ExportPlan& plan) {
    std::string scope =
        R"({"buckets":)" + json_list(std::vector<std::string>{options.bucket}) + ",\"start\":" + json_string(State::format_time(plan.start));
    if (!options.measurements.empty()) scope += ",\"measurements\":" + json_list(options.measurements);
    bool told = false;
    Result<void> done = Pipeline::schema(host, document, scope + "}", preflight_time, [&told](std::string_view) {
        told = true;
        return false;
    });
    if (!done.ok() && told && done.error().code == Errc::cancelled) return {};
    return done;
}

std::string bytes_text(std::uint64_t bytes) {
    char text[48];
    if (bytes < 10'000)
        std::snprintf(text, sizeof text, "%llu bytes", static_cast<unsigned long long>(bytes));
    else
        std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1u << 20));
    return text;
}

// The start and stop of a first run.
Result<void> resolve_times(const ExportOptions& options, ExportPlan& plan) {
    const auto time = [](const char* what, const std::string& text, std::int64_t& into) -> Result<void> {
        const Result<std::int64_t> parsed = State::parse_time(text);
        if (!parsed.ok()) return Error{Errc::configuration, std::string{what} + " " + text + ": " + parsed.error().message};
        into = *parsed;
        return {};
    };
    if (Result<void> done = time("--start", options.start, plan.start); !done.ok()) return done;
    if (Result<void> done = time("--stop", options.stop.empty() ? "now" : options.stop, plan.stop); !done.ok()) return done;
    if (plan.stop > plan.start) return {};
    return Error{Errc::configuration, "--start " + State::format_time(plan.start) + " is not before --stop " + State::format_time(plan.stop) +
                                          "; nothing would be exported"};
}

std::uint64_t lines_in(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return static_cast<std::uint64_t>(std::count(std::istreambuf_iterator<char>{in}, {}, '\n'));
}

// Where the export stands, and its exit code: what could not be written is a failure of it, whichever run found that.
int say_end(const ExportPlace& place, const ExportPlan& plan, const ExportOptions& options, int code) {
    const ExportPlace::Contents there = place.contents(plan);
    const auto state = State::open(place.state_directory(), ExportPlace::pipeline, State::Access::read);
    const auto cursor = state.ok() ? state->cursor() : Result<std::optional<CursorInfo>>{std::optional<CursorInfo>{}};
    const bool complete = cursor.ok() && *cursor && (*cursor)->position_ns >= plan.stop;
    std::cerr << "fluxgate: " << (complete ? "the export is complete: " : "so far ") << there.files << (there.files == 1 ? " file, " : " files, ")
              << bytes_text(there.bytes) << " below " << options.out << ", " << State::format_time(plan.start) << " .. "
              << (complete                 ? State::format_time(plan.stop)
                  : cursor.ok() && *cursor ? (*cursor)->position
                                           : State::format_time(plan.start))
              << "\n";
    const std::uint64_t letters = lines_in(place.dead_letters());
    if (letters != 0)
        std::cerr << "fluxgate: " << letters << (letters == 1 ? " row" : " rows") << " could not be written and " << (letters == 1 ? "is" : "are")
                  << " put aside, with the reason: " << place.dead_letters() << "\n";
    if (!complete) std::cerr << "fluxgate: the same command goes on from there\n";
    return code == Exit::done && letters != 0 ? Exit::failed : code;
}

} // namespace

int export_bucket(const CommonOptions& common, const ExportOptions& options) {
    const std::optional<std::string> text = read_document(options.file);
    if (!text) return Exit::usage;
    ExportPlan wanted;
    config::JsonText source;
    ExportPlace place{options.out};
    {
        Host host = make_host(common);
        const Validation found = Pipeline::validate(host, *text);
        if (!found.valid) {
            print_violations(options.file, found.violations);
            return Exit::usage;
        }
        const config::ParsedPipeline parsed = config::parse_pipeline(*text, KnownTypes{host});
        if (!parsed.document || parsed.document->input.type != "input/influxdbv2@v1") {
            std::cerr << "fluxgate: " << options.file << " has no source of the type input/influxdbv2@v1, and export reads no other\n";
            return Exit::usage;
        }
        source = config::parse_json(parsed.document->input.document);
        const auto text_in = [&source](const char* name) {
            const auto member = source.dom.FindMember(name);
            return member != source.dom.MemberEnd() && member->value.IsString() ? std::string{member->value.GetString()} : std::string{};
        };
        wanted = {text_in("url"),       text_in("organization"), options.bucket, options.format,
                  options.measurements, options.fields,          options.start,  options.stop};
        wanted.gzip = options.gzip;
        std::sort(wanted.measurements.begin(), wanted.measurements.end());
        std::sort(wanted.fields.begin(), wanted.fields.end());
        if (Result<void> done = resolve_times(options, wanted); !done.ok()) return complain(done.error());
        const Validation whole = Pipeline::validate(host, document_of(source, options, wanted));
        if (!whole.valid) { // a window that is no duration, say: the document's words name it
            print_violations("the export of " + options.file, whole.violations);
            return Exit::usage;
        }
        if (Result<void> done = preflight(host, *text, options, wanted); !done.ok()) return complain(done.error());
    }
    const Result<ExportPlan> plan = place.open(wanted);
    if (!plan.ok()) return complain(plan.error());
    const auto position = place.tidy(*plan);
    if (!position.ok()) return complain(position.error());
    if (*position && **position >= plan->stop) return say_end(place, *plan, options, Exit::done);

    CommonOptions own = common;
    own.state_directory = place.state_directory();
    RunOptions run_options;
    run_options.file = options.file;
    run_options.document = document_of(source, options, *plan);
    run_options.id = run_options.instance = ExportPlace::pipeline;
    run_options.dead_letter_file = place.dead_letters();
    run_options.fail_on_dead_letter = true;
    run_options.progress = options.progress;
    const int code = run(own, run_options);
    if (Result<void> done = place.remove_halved(*plan); !done.ok()) return complain(done.error());
    return say_end(place, *plan, options, code);
}

} // namespace fluxgate::runner
