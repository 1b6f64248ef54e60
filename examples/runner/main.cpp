// fluxgate: runs pipelines. Command line only; what commands do stands in commands.hpp.
#include "commands.hpp"
#include "docs.hpp"
#include "terminal.hpp"
#include "usage.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace fluxgate::runner;

void add_stage_path(CLI::App& command, CommonOptions& common) {
    command.add_option("--stage-path", common.stage_path, "Look for stage plugins in DIR too, before the default places (may be repeated)")
        ->type_name("DIR")
        ->allow_extra_args(false); // what follows is the document
}

void add_logging(CLI::App& command, CommonOptions& common) {
    command.add_option("--log-level", common.log_level, "Least level of log lines on standard error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    command.add_option("--log-format", common.log_format, "Form of log lines")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
}

void add_secrets(CLI::App& command, CommonOptions& common) {
    command
        .add_option("--secrets", common.secrets_directory,
                    "Directory with one file a secret; without it, or where it has none, the environment counts")
        ->type_name("DIR")
        ->check(readable_directory());
}

void add_relationship(CLI::App& command, CommonOptions& common) {
    command
        .add_option("--relationship", common.relationship,
                    "Take url, port, organization and token of the source from this InfluxDB relationship of the hosting platform "
                    "(*_RELATIONSHIPS, or NAME_HOST and others); NAME:1 is its second endpoint")
        ->type_name("NAME");
}

// Looks up what --relationship names. False after saying why it cannot be used.
bool find_service(CommonOptions& common) {
    if (common.relationship.empty()) return true;
    fluxgate::config::Environment environment;
    for (char** at = environ; *at != nullptr; ++at) {
        const std::string_view text{*at};
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos) environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    auto found = fluxgate::config::read_relationship(common.relationship, environment);
    if (found.ok()) {
        common.service = std::move(*found);
        return true;
    }
    std::cerr << "fluxgate: --relationship " << shown(common.relationship, 0) << ": " << shown(found.error().message, 0) << "\n";
    return false;
}

void add_state(CLI::App& command, CommonOptions& common) {
    command
        .add_option("--state", common.state_directory,
                    "Directory of what pipelines remember, on a local disk (default: $STATE_DIRECTORY, $XDG_STATE_HOME/fluxgate, "
                    "~/.local/state/fluxgate)")
        ->type_name("DIR");
}

void add_id(CLI::App& command, std::string& id) {
    command.add_option("--id", id, "The pipeline's id (default: the resource's name, else the file's stem)")
        ->check(
            CLI::Validator([](std::string& text) { return is_id(text) ? std::string{} : "an id holds letters, digits, '.', '_' and '-'"; }, "ID"));
}

void add_instance(CLI::App& command, std::string& instance) {
    command.add_option("--instance", instance, "Tells apart several hosts of one pipeline (default: the host's name)")
        ->check(
            CLI::Validator([](std::string& text) { return is_id(text) ? std::string{} : "a name holds letters, digits, '.', '_' and '-'"; }, "NAME"));
}

CLI::App* add_run(CLI::App& app, CommonOptions& common, RunOptions& options) {
    CLI::App* run = app.add_subcommand("run", "Run a pipeline document, or a bare source document to standard output");
    run->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required();
    run->add_flag("--once", options.once, "Every source delivers one complete result, then the pipeline drains and the program ends");
    run->add_option("--for", options.duration, "Stop in order after this time, e.g. 30s")->type_name("DURATION");
    add_id(*run, options.id);
    add_instance(*run, options.instance);
    add_secrets(*run, common);
    add_relationship(*run, common);
    add_state(*run, common);
    run->add_flag("--accept-changed-query", options.accept_changed_query,
                  "Go on from the cursor although url, organization or query are others than those it was written for");
    run->add_option(
           "--dead-letter", options.dead_letter_file,
           "File for dead letters, made when needed (default: ID.dead-letters.jsonl beside the state of an incremental pipeline, else in the "
           "working directory)")
        ->type_name("FILE");
    run->add_flag("--progress", options.progress, "Show rate, rows, lag or time left, queue and dead letters on standard error while it runs");
    run->add_option("--metrics", options.metrics,
                    "Serve metrics (/metrics), health (/healthz, /readyz) and status there: PORT (on the loopback address), ADDRESS:PORT or "
                    "[ADDRESS]:PORT; port 0: the system chooses")
        ->type_name("[ADDRESS:]PORT");
    run->add_flag("--fail-on-dead-letter", options.fail_on_dead_letter, "Exit with 1 when there was a dead letter");
    add_stage_path(*run, common);
    add_logging(*run, common);
    return run;
}

CLI::App* add_check(CLI::App& app, CommonOptions& common, CheckOptions& options) {
    CLI::App* check =
        app.add_subcommand("check", "Try each step between a document and the first row of its source, and say which one fails and why");
    check->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required();
    check->add_flag("--json", options.json, "One JSON object a step instead of a table");
    check->add_option("--timeout", options.timeout, "The most that all steps together may take")->type_name("DURATION")->capture_default_str();
    add_secrets(*check, common);
    add_relationship(*check, common);
    add_stage_path(*check, common);
    add_logging(*check, common);
    return check;
}

CLI::App* add_cursor(CLI::App& app, CommonOptions& common, CursorOptions& options) {
    using What = CursorOptions::What;
    CLI::App* cursor = app.add_subcommand("cursor", "Show or move the place up to which an incremental pipeline has delivered, without running it");
    cursor->require_subcommand(1);
    const auto add = [&](const char* name, What what, const char* help) {
        CLI::App* command = cursor->add_subcommand(name, help);
        command->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required();
        if (what == What::set)
            command->add_option("TIME", options.value, "2026-11-21T10:00:00Z (RFC 3339), now, or a duration back from now such as -2h")->required();
        if (what == What::rewind) command->add_option("DURATION", options.value, "How far back, e.g. 1h10m")->required();
        if (what != What::export_it) command->add_flag("--json", options.json, "JSON instead of text");
        add_state(*command, common);
        add_relationship(*command, common);
        add_id(*command, options.id);
        add_stage_path(*command, common);
        command->callback([&options, what] { options.what = what; });
    };
    add("show", What::show, "Where the cursor stands; also while the pipeline runs");
    add("set", What::set, "The next run goes on from TIME, whatever its query is");
    add("rewind", What::rewind, "The next run reads DURATION before the cursor again; rows come again, with the same rowId");
    add("export", What::export_it, "The cursor as one line of JSON on standard output; also while the pipeline runs");
    add("import", What::import, "Take the cursor that export wrote from standard input");
    return cursor;
}

CLI::App* add_dead_letters(CLI::App& app, CommonOptions& common, LettersOptions& options) {
    using What = LettersOptions::What;
    CLI::App* letters = app.add_subcommand("dead-letters", "Look at the rows and messages that were put aside, and send them again");
    letters->require_subcommand(1);
    const auto add = [&](const char* name, What what, const char* help) {
        CLI::App* command = letters->add_subcommand(name, help);
        command->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required(what != What::list);
        if (what == What::show) command->add_option("NUMBER", options.number, "As list shows it; alone, without FILE, with --dead-letter");
        command->add_option("--dead-letter", options.path, "The file of dead letters (default: where a run of the document puts them)")
            ->type_name("PATH");
        if (what != What::replay) command->add_flag("--json", options.json, "The records as JSON lines");
        if (what == What::replay) {
            command->add_option("--number", options.numbers, "Only this one (may be repeated)")
                ->type_name("N")
                ->check(whole_number())
                ->allow_extra_args(false);
            add_instance(*command, options.instance);
            add_secrets(*command, common);
            add_logging(*command, common);
        }
        add_state(*command, common);
        add_relationship(*command, common);
        add_id(*command, options.id);
        add_stage_path(*command, common);
        command->callback([&options, what] { options.what = what; });
    };
    add("list", What::list, "Number, time, stage, reason, partition and beginning of each, and counts by reason");
    add("show", What::show, "One of them, whole");
    add("replay", What::replay, "Send messages that failed in a processor or output through the pipeline again, from that stage on");
    return letters;
}

// "-2h" behind a switch is a time, no option.
void join_times(std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        const std::string& next = arguments[i + 1];
        const bool takes_time = arguments[i] == "--start" || arguments[i] == "--stop";
        if (!takes_time || next.size() < 2 || next[0] != '-' || next[1] < '0' || next[1] > '9') continue;
        arguments[i] += '=' + next;
        arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
}

// "-2h" is a time of `cursor set`, no option: the same in the writing that cannot be mistaken for one.
std::vector<std::string> arguments_of(int argc, char** argv) {
    std::vector<std::string> out{argv + std::min(argc, 1), argv + argc};
    const bool sets = out.size() > 2 && out[0] == "cursor" && out[1] == "set";
    for (std::string& one : out)
        if (sets && one.size() > 1 && one[0] == '-' && one[1] >= '0' && one[1] <= '9') one.insert(0, "now");
    join_times(out);
    std::reverse(out.begin(), out.end()); // as CLI11 wants them
    return out;
}

CLI::App* add_plan(CLI::App& app, CommonOptions& common, PlanOptions& options) {
    CLI::App* plan =
        app.add_subcommand("plan", "Show what a run would do next: query, windows, rows, columns, first messages, partitions; delivers nothing");
    plan->add_option("FILE", options.ask.file, "Pipeline or source document (JSON)")->required();
    plan->add_flag("--json", options.ask.json, "One JSON object a line instead of text for people");
    plan->add_option("--timeout", options.ask.timeout, "The most that it may take")->type_name("DURATION")->capture_default_str();
    add_id(*plan, options.id);
    add_state(*plan, common);
    add_secrets(*plan, common);
    add_relationship(*plan, common);
    add_stage_path(*plan, common);
    add_logging(*plan, common);
    return plan;
}

CLI::App* add_init(CLI::App& app, CommonOptions& common, InitOptions& options) {
    CLI::App* init = app.add_subcommand("init", "Write a commented document to start from, with every setting; never overwrites");
    init->add_option("FILE", options.file, "Where to; standard output without it");
    init->add_flag("--incremental", options.incremental, "Read each stretch of time once, with a cursor, instead of a query at every interval");
    init->add_option("--output", options.output, "Where messages go")->check(CLI::IsMember({"file", "stdout"}))->capture_default_str();
    init->add_option("--bucket", options.bucket, "The bucket that is read")->type_name("NAME")->capture_default_str();
    add_stage_path(*init, common);
    return init;
}

CLI::App* add_validate(CLI::App& app, CommonOptions& common, ValidateOptions& options) {
    CLI::App* validate = app.add_subcommand("validate", "Check a document and name every violation; runs nothing");
    validate->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required();
    validate->add_flag("--explain", options.explain,
                       "Print the document as it takes effect, as strict JSON: every default, and where each value that it does not hold comes from");
    validate->add_flag("--strict", common.strict_json, "Refuse comments and trailing commas, as other programs that read the document would");
    add_relationship(*validate, common);
    add_stage_path(*validate, common);
    return validate;
}

CLI::App* add_schema(CLI::App& app, CommonOptions& common, SchemaOptions& options) {
    CLI::App* schema = app.add_subcommand("schema", "Show what is in the server: buckets, measurements, fields and types, tags and values, times");
    schema->add_option("FILE", options.ask.file, "Pipeline or source document (JSON)")->required();
    schema->add_option("--bucket", options.buckets, "Only this bucket (may be repeated)")->type_name("NAME")->allow_extra_args(false);
    schema->add_option("--measurement", options.measurements, "Only this measurement (may be repeated)")->type_name("NAME")->allow_extra_args(false);
    schema
        ->add_option("--start", options.start,
                     "How far back is looked, e.g. -720h or 2026-01-01T00:00:00Z (default: the document's schema.start, else -720h)")
        ->type_name("TIME");
    auto* json = schema->add_flag("--json", options.ask.json, "One JSON object a line instead of a table");
    schema->add_flag("--as-read", options.as_read, "Print a read section that names the bucket, its measurements and its fields")->excludes(json);
    schema->add_option("--max-measurements", options.max_measurements, "Most measurements of a bucket (100)")->type_name("N")->check(whole_number());
    schema->add_option("--max-values", options.max_values, "Most values of a tag that are shown (5)")->type_name("N")->check(whole_number());
    schema->add_option("--max-series", options.max_series, "Most series of a measurement whose first and last rows are read (10000)")
        ->type_name("N")
        ->check(whole_number());
    schema->add_option("--timeout", options.ask.timeout, "The most that it may take")->type_name("DURATION")->capture_default_str();
    add_secrets(*schema, common);
    add_relationship(*schema, common);
    add_stage_path(*schema, common);
    add_logging(*schema, common);
    return schema;
}

CLI::App* add_export(CLI::App& app, CommonOptions& common, ExportOptions& options) {
    CLI::App* command =
        app.add_subcommand("export", "Write a bucket to files, as line protocol or JSON lines; an interrupted export goes on where it was");
    command->add_option("FILE", options.file, "Pipeline or source document (JSON): its url, organization and secret are used")->required();
    command->add_option("--bucket", options.bucket, "The bucket")->type_name("NAME")->required();
    command->add_option("--out", options.out, "Directory of the files: a new or empty one, or that of the export to go on with")
        ->type_name("DIR")
        ->required();
    command->add_option("--start", options.start, "Rows from then on: 2026-01-01T00:00:00Z (RFC 3339), or a duration back from now such as -720h")
        ->type_name("TIME")
        ->required();
    command->add_option("--stop", options.stop, "Rows before then (default: now, at the first run)")->type_name("TIME");
    command->add_option("--measurement", options.measurements, "Only this measurement (may be repeated)")->type_name("NAME")->allow_extra_args(false);
    command->add_option("--field", options.fields, "Only this field (may be repeated)")->type_name("NAME")->allow_extra_args(false);
    command->add_option("--format", options.format, "lp: line protocol; jsonl: one JSON object a row")
        ->check(CLI::IsMember({"lp", "jsonl"}))
        ->capture_default_str();
    command->add_flag("--gzip", options.gzip, "Compress each file");
    command->add_option("--window", options.window, "The stretch of time that one query reads and one file holds, at most")
        ->type_name("DURATION")
        ->capture_default_str();
    command->add_flag_callback(
        "--no-progress", [&options] { options.progress = false; }, "Do not show how it gets on");
    add_secrets(*command, common);
    add_relationship(*command, common);
    add_stage_path(*command, common);
    add_logging(*command, common);
    return command;
}

} // namespace

int main(int argc, char** argv) {
    // libjq reads $HOME/.jq, which would let a file outside the document change what an expression means. No thread runs yet.
    CommonOptions common;
    if (const char* home = std::getenv("HOME"); home != nullptr) common.home = home;
    unsetenv("HOME");

    RunOptions run_options;
    CheckOptions check_options;
    CursorOptions cursor_options;
    LettersOptions letters_options;
    ValidateOptions validate_options;
    CLI::App app{"fluxgate moves time series out of InfluxDB: rows become partitioned JSON messages.\n"
                 "Exit: 0 done, 1 failed while running, 2 usage or configuration, 3 a step of check failed, 130 interrupted (143 for SIGTERM)."};
    app.name("fluxgate");
    app.set_version_flag("--version", "fluxgate " FLUXGATE_VERSION);
    app.require_subcommand(1);
    const CLI::App* run_command = add_run(app, common, run_options);
    InitOptions init_options;
    const CLI::App* init_command = add_init(app, common, init_options);
    const CLI::App* validate_command = add_validate(app, common, validate_options);
    const CLI::App* check_command = add_check(app, common, check_options);
    const CLI::App* cursor_command = add_cursor(app, common, cursor_options);
    const CLI::App* letters_command = add_dead_letters(app, common, letters_options);
    PlanOptions plan_options;
    const CLI::App* plan_command = add_plan(app, common, plan_options);
    SchemaOptions schema_options;
    const CLI::App* schema_command = add_schema(app, common, schema_options);
    ExportOptions export_options;
    const CLI::App* export_command = add_export(app, common, export_options);
    CLI::App* stages_command = app.add_subcommand("stages", "List the stage types there are, their versions and where they come from");
    add_stage_path(*stages_command, common);

    DocsOptions docs_options;
    add_docs(app, common, docs_options);

    try {
        app.parse(arguments_of(argc, argv));
    } catch (const CLI::ParseError& error) {
        return end_of_parsing(app, error);
    }
    if (!find_service(common)) return Exit::usage;
    try {
        if (*run_command) return run(common, run_options);
        if (*check_command) return check(common, check_options);
        if (*export_command) return export_bucket(common, export_options);
        if (*schema_command) return schema(common, schema_options);
        if (*plan_command) return plan(common, plan_options);
        if (*init_command) return init(common, init_options);
        if (*validate_command) return validate(common, validate_options);
        if (*cursor_command) return cursor(common, cursor_options);
        if (*letters_command) return dead_letters(common, letters_options);
        if (*stages_command) return stages(common);
        if (*docs_options.command) return docs(common, docs_options, app);
    } catch (const std::exception& error) {
        std::cerr << "fluxgate: " << error.what() << "\n";
        return Exit::failed;
    }
    return Exit::usage;
}
