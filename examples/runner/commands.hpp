// The runner's commands. Each answers the process's exit code: 0 done, 1 failed while running, 2 usage or configuration,
// 3 a step of check failed, 130 interrupted (143 for SIGTERM). Standard output carries data only; everything else goes to standard error.
#pragma once

#include "fluxgate/host.hpp"
#include "fluxgate/stage.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fluxgate::runner {

enum Exit : int { done = 0, failed = 1, usage = 2, check_failed = 3, interrupted = 130, terminated = 143 };

struct CommonOptions {
    std::vector<std::string> stage_path; // searched before the default places
    std::string secrets_directory;
    std::string log_level = "info";
    std::string log_format = "text";
};

struct RunOptions {
    std::string file;
    bool once = false;
    std::string duration; // --for, as text
    std::string id, instance;
    std::string dead_letter_file;
    bool fail_on_dead_letter = false;
};

// Of check and of plan.
struct CheckOptions {
    std::string file;
    std::string timeout = "30s";
    bool json = false;
};

int check(const CommonOptions& common, const CheckOptions& options);
int plan(const CommonOptions& common, const CheckOptions& options);
int run(const CommonOptions& common, const RunOptions& options);
int validate(const CommonOptions& common, const std::string& file);
int stages(const CommonOptions& common);

// A host with every plugin of the stage path loaded. A plugin that cannot be used is logged and left out.
Host make_host(const CommonOptions& common);

// The text of a document, or none after saying on standard error why not.
std::optional<std::string> read_document(const std::string& file);

// Each finding as one line: "FILE: error at /pointer: message".
void print_violations(const std::string& file, const std::vector<stage::Violation>& violations);

// The pipeline's id: what --id says, else the resource's name, else the file's stem, with what an id cannot hold replaced.
std::string pipeline_id(const std::string& wanted, const std::string& resource_name, const std::string& file);
bool is_id(const std::string& text);

// The directories in which plugins are looked for, in order: --stage-path, $FLUXGATE_STAGE_PATH, beside the program.
std::vector<std::string> stage_directories(const std::vector<std::string>& wanted);

} // namespace fluxgate::runner
