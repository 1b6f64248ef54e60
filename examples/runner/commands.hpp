// The runner's commands. Each answers the process's exit code: 0 done, 1 failed while running, 2 usage or configuration,
// 3 a step of check failed, 130 interrupted (143 for SIGTERM). Standard output carries data only; everything else goes to standard error.
#pragma once

#include "config/relationship.hpp"

#include "fluxgate/host.hpp"
#include "fluxgate/stage.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::runner {

enum Exit : int { done = 0, failed = 1, usage = 2, check_failed = 3, interrupted = 130, terminated = 143 };

struct CommonOptions {
    std::vector<std::string> stage_path; // searched before the default places
    std::string secrets_directory;
    std::string log_level = "info";
    std::string log_format = "text";
    std::string state_directory;                 // --state
    std::string home;                            // $HOME when the program started
    bool strict_json = false;                    // documents are JSON without comments
    std::string relationship;                    // --relationship
    std::optional<config::Relationship> service; // what the environment has under that name
};

struct RunOptions {
    std::string file;
    std::optional<std::string> document; // its text instead, made by another command; `file` only names it
    bool once = false;
    std::string duration; // --for, as text
    std::string id, instance;
    std::string dead_letter_file;
    bool fail_on_dead_letter = false;
    bool accept_changed_query = false;
    bool progress = false;
    std::string metrics; // --metrics, as text
};

// Of check and of plan.
struct CheckOptions {
    std::string file;
    std::string timeout = "30s";
    bool json = false;
};

struct ValidateOptions {
    std::string file;
    bool explain = false;
};

struct PlanOptions {
    CheckOptions ask;
    std::string id;
};

struct SchemaOptions {
    CheckOptions ask{{}, "60s", false};
    std::vector<std::string> buckets, measurements; // none: all
    std::string start;
    std::uint32_t max_measurements = 0, max_values = 0, max_series = 0; // 0: what the document or the stage says
    bool as_read = false;
};

struct ExportOptions {
    std::string file, bucket, out, start, stop;
    std::vector<std::string> measurements, fields; // none: all
    std::string format = "lp", window = "24h";
    bool gzip = false, progress = true;
};

struct InitOptions {
    std::string file; // empty: standard output
    bool incremental = false;
    std::string output = "file";
    std::string bucket = "plant";
};

struct CursorOptions {
    enum class What { show, set, rewind, export_it, import };
    What what = What::show;
    std::string file, id;
    std::string value; // a time to set, a duration to rewind by
    bool json = false;
};

struct LettersOptions {
    enum class What { list, show, replay };
    What what = What::list;
    std::string file, number; // show: the number stands in `file` when there is no document
    std::string path;         // --dead-letter
    std::string id, instance;
    std::vector<std::uint64_t> numbers; // replay: only these
    bool json = false;
};

int dead_letters(const CommonOptions& common, const LettersOptions& options);
int cursor(const CommonOptions& common, const CursorOptions& options);
int check(const CommonOptions& common, const CheckOptions& options);
int schema(const CommonOptions& common, const SchemaOptions& options);
int export_bucket(const CommonOptions& common, const ExportOptions& options);
int plan(const CommonOptions& common, const PlanOptions& options);
int run(const CommonOptions& common, const RunOptions& options);
int validate(const CommonOptions& common, const ValidateOptions& options);
int init(const CommonOptions& common, const InitOptions& options);
int stages(const CommonOptions& common);

// A host with every plugin of the stage path loaded. A plugin that cannot be used is logged and left out.
Host make_host(const CommonOptions& common);
// Log lines that repeat are left out and counted (telemetry::RepeatLimit); this tells the counts that are due, or all at the end.
void tell_repeated(bool all);

// The text of a document, or none after saying on standard error why not.
std::optional<std::string> read_document(const std::string& file);

// Why a file could not be written, or made where it is not there, now; "": it could.
std::string why_unwritable(const std::string& file);

// Each finding as one line: "FILE: error at /pointer: message".
void print_violations(const std::string& file, const std::vector<stage::Violation>& violations);

// The pipeline's id: what --id says, else the resource's name, else the file's stem, with what an id cannot hold replaced.
std::string pipeline_id(const std::string& wanted, const std::string& resource_name, const std::string& file);
bool is_id(const std::string& text);

// Where state is kept: --state, $STATE_DIRECTORY, $XDG_STATE_HOME/fluxgate, ~/.local/state/fluxgate; "" when none of them is known.
std::string state_directory(const CommonOptions& common);

// Where secrets are looked for before the environment: --secrets, else $CREDENTIALS_DIRECTORY (systemd's LoadCredential=), else "".
std::string secrets_directory(const CommonOptions& common);

// Where a run puts dead letters unless told otherwise: beside the state when the pipeline has one, else in the working directory.
std::string dead_letter_file(const CommonOptions& common, const std::string& id, bool incremental);

// What --instance is when it is not given: the host's name, as far as it is a name.
std::string host_name();

// The directories in which plugins are looked for, in order: --stage-path, $FLUXGATE_STAGE_PATH, beside the program.
std::vector<std::string> stage_directories(const std::vector<std::string>& wanted);

} // namespace fluxgate::runner
