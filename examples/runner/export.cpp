// `fluxgate export`: a bucket into files, by a pipeline that reads it window by window and ends.
#include "commands.hpp"
#include "config/json_text.hpp"
#include "config/references.hpp"
#include "export_place.hpp"
#include "export_source.hpp"
#include "fluxgate/pipeline.hpp"
#include "json_parts.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

namespace fluxgate::runner {

namespace {

constexpr std::chrono::seconds preflight_time{60};

int complain(const Error& error) {
    std::cerr << "fluxgate: " << shown(error.text(), 10) << "\n";
    return error.code == Errc::configuration || error.code == Errc::invalid_argument ? Exit::usage : Exit::failed;
}

// A text of the command line, which holds no references to variables.
std::string literal(const std::string& text) {
    return json_string(config::escape_references(text));
}

std::string literals(const std::vector<std::string>& texts) {
    std::vector<std::string> escaped;
    escaped.reserve(texts.size());
    for (const std::string& text : texts)
        escaped.push_back(config::escape_references(text));
    return json_list(escaped);
}

// The document of the export: the connection of the given source, reading that bucket into files.
std::string document_of(const config::JsonText& source, const ExportOptions& options, const ExportPlan& plan) {
    std::string input = R"({"type":"input/influxdbv2@v1","displayName":)" + literal("export of " + plan.bucket);
    for (const char* name : {"url", "port", "organization", "authentication", "timeouts", "retry", "tls", "compression", "limits", "spoolBytes"}) {
        const auto member = source.dom.FindMember(name);
        if (member != source.dom.MemberEnd()) input += "," + json_string(name) + ":" + config::to_text(member->value);
    }
    const bool lines = plan.format == "lp";
    input += R"(,"interval":"1s","delivery":"verified","format":{"type":"json","types":)" + std::string{lines ? "true" : "false"} +
             R"(},"read":{"bucket":)" + literal(plan.bucket);
    if (!plan.measurements.empty()) input += ",\"measurements\":" + literals(plan.measurements);
    if (!plan.fields.empty()) input += ",\"fields\":" + literals(plan.fields);
    input += R"(},"incremental":{"start":)" + json_string(State::format_time(plan.start)) +
             ",\"stop\":" + json_string(State::format_time(plan.stop)) + ",\"window\":" + literal(options.window) +
             R"(,"delay":"0s"},"next":["files"]})";
    return R"({"displayName":"export","input":)" + input + R"(,"stages":{"files":{"type":"output/file@v1","displayName":"files","rootDirectory":)" +
           literal(options.out) + ",\"filePath\":" + literal(plan.file_template()) + ",\"compression\":" + (plan.gzip ? "\"gzip\"" : "\"none\"") +
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

// Of the document that was made: where a switch has its place in it, the switch is named.
int say_refused(const std::vector<Violation>& violations) {
    static constexpr std::array<std::pair<std::string_view, const char*>, 5> places{{{"/input/incremental/window", "--window"},
                                                                                     {"/input/read/bucket", "--bucket"},
                                                                                     {"/input/read/measurements", "--measurement"},
                                                                                     {"/input/read/fields", "--field"},
                                                                                     {"/stages/files/rootDirectory", "--out"}}};
    for (const Violation& v : violations) {
        if (v.warning) continue;
        const auto place = std::find_if(places.begin(), places.end(), [&v](const auto& one) { return v.pointer.rfind(one.first, 0) == 0; });
        std::cerr << "fluxgate: " << (place != places.end() ? place->second : v.pointer) << ": " << v.message << "\n";
    }
    return Exit::usage;
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

// A SIGHUP before the run, which answers it, waits for the run: it would end the process without a word. Before the first thread.
void hold_hangups() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

} // namespace

int export_bucket(const CommonOptions& common, const ExportOptions& options) {
    hold_hangups();
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
        std::optional<ExportSource> taken = export_source_of(host, common, *text);
        if (!taken) {
            std::cerr << "fluxgate: " << options.file << " has no source of the type input/influxdbv2@v1, and export reads no other\n";
            return Exit::usage;
        }
        source = std::move(taken->written);
        wanted = {taken->address,       taken->organization, options.bucket, options.format,
                  options.measurements, options.fields,      options.start,  options.stop};
        wanted.gzip = options.gzip;
        std::sort(wanted.measurements.begin(), wanted.measurements.end());
        std::sort(wanted.fields.begin(), wanted.fields.end());
        if (Result<void> done = resolve_times(options, wanted); !done.ok()) return complain(done.error());
        const Validation whole = Pipeline::validate(host, document_of(source, options, wanted));
        if (!whole.valid) return say_refused(whole.violations);
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
