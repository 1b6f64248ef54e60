// fluxgate: runs pipelines. Command line only; what commands do stands in commands.hpp.
#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

namespace {

using namespace fluxgate::runner;

void add_stage_path(CLI::App& command, CommonOptions& common) {
    command.add_option("--stage-path", common.stage_path, "Look for stage plugins in DIR too, before the default places (may be repeated)")
        ->type_name("DIR");
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
        ->check(CLI::ExistingDirectory);
}

CLI::App* add_run(CLI::App& app, CommonOptions& common, RunOptions& options) {
    CLI::App* run = app.add_subcommand("run", "Run a pipeline document, or a bare source document to standard output");
    run->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required();
    run->add_flag("--once", options.once, "Every source delivers one complete result, then the pipeline drains and the program ends");
    run->add_option("--for", options.duration, "Stop in order after this time, e.g. 30s")->type_name("DURATION");
    run->add_option("--id", options.id, "The pipeline's id (default: the resource's name, else the file's stem)")
        ->check(
            CLI::Validator([](std::string& text) { return is_id(text) ? std::string{} : "an id holds letters, digits, '.', '_' and '-'"; }, "ID"));
    run->add_option("--instance", options.instance, "Tells apart several hosts of one pipeline (default: the host's name)")
        ->check(
            CLI::Validator([](std::string& text) { return is_id(text) ? std::string{} : "a name holds letters, digits, '.', '_' and '-'"; }, "NAME"));
    add_secrets(*run, common);
    run->add_option("--dead-letter", options.dead_letter_file,
                    "File for dead letters (default: ID.dead-letters.jsonl in the working directory, made when needed)")
        ->type_name("FILE");
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
    add_stage_path(*check, common);
    add_logging(*check, common);
    return check;
}

CLI::App* add_plan(CLI::App& app, CommonOptions& common, CheckOptions& options) {
    CLI::App* plan =
        app.add_subcommand("plan", "Show what a run would do next: query, windows, rows, columns, first messages, partitions; delivers nothing");
    plan->add_option("FILE", options.file, "Pipeline or source document (JSON)")->required();
    plan->add_flag("--json", options.json, "One JSON object a line instead of text for people");
    plan->add_option("--timeout", options.timeout, "The most that it may take")->type_name("DURATION")->capture_default_str();
    add_secrets(*plan, common);
    add_stage_path(*plan, common);
    add_logging(*plan, common);
    return plan;
}

} // namespace

int main(int argc, char** argv) {
    // libjq reads $HOME/.jq, which would let a file outside the document change what an expression means. No thread runs yet.
    unsetenv("HOME");

    CommonOptions common;
    RunOptions run_options;
    CheckOptions check_options;
    std::string document;
    CLI::App app{"fluxgate moves time series out of InfluxDB: rows become partitioned JSON messages.\n"
                 "Exit: 0 done, 1 failed while running, 2 usage or configuration, 3 a step of check failed, 130 interrupted (143 for SIGTERM)."};
    app.set_version_flag("--version", "fluxgate " FLUXGATE_VERSION);
    app.require_subcommand(1);
    const CLI::App* run_command = add_run(app, common, run_options);
    CLI::App* validate_command = app.add_subcommand("validate", "Check a document and name every violation; runs nothing");
    validate_command->add_option("FILE", document, "Pipeline or source document (JSON)")->required();
    add_stage_path(*validate_command, common);
    const CLI::App* check_command = add_check(app, common, check_options);
    CheckOptions plan_options;
    const CLI::App* plan_command = add_plan(app, common, plan_options);
    CLI::App* stages_command = app.add_subcommand("stages", "List the stage types there are, their versions and where they come from");
    add_stage_path(*stages_command, common);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error); // prints help, version, or what is wrong
        return code == 0 ? Exit::done : Exit::usage;
    }
    try {
        if (*run_command) return run(common, run_options);
        if (*check_command) return check(common, check_options);
        if (*plan_command) return plan(common, plan_options);
        if (*validate_command) return validate(common, document);
        if (*stages_command) return stages(common);
    } catch (const std::exception& error) {
        std::cerr << "fluxgate: " << error.what() << "\n";
        return Exit::failed;
    }
    return Exit::usage;
}
