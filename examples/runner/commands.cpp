#include "commands.hpp"

#include "fluxgate/pipeline.hpp"
#include "progress.hpp"
#include "telemetry/limited_log.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

const char* kind_name(std::int32_t kind) {
    switch (kind) {
    case FG_KIND_SOURCE: return "source";
    case FG_KIND_PROCESSOR: return "processor";
    case FG_KIND_OUTPUT: return "output";
    default: return "?";
    }
}

// It outlives every thread, also one that a stage never gives back.
telemetry::LimitedLog* writer = nullptr;

} // namespace

void tell_repeated(bool all) {
    if (writer != nullptr) terminal_line().around([all] { writer->tell_repeated(all); });
}

Host make_host(const CommonOptions& common) {
    const auto level = telemetry::level_of(common.log_level).value_or(LogLevel::info);
    const auto format = telemetry::format_of(common.log_format).value_or(telemetry::LogFormat::text);
    writer = new telemetry::LimitedLog{STDERR_FILENO, format, level};
    HostOptions options;
    options.secrets_directory = secrets_directory(common);
    options.log = [level](const LogEntry& entry) {
        if (entry.level >= level) terminal_line().around([&entry] { (*writer)(entry); });
    };
    options.comments = !common.strict_json;
    options.variable = environment_variable;
    if (common.service) {
        const config::SourcePatch patch = config::patch_of(*common.service);
        options.source = SourcePatch{patch.from, patch.type, patch.members};
        options.secret = [name = config::secret_of(*common.service), token = common.service->token](std::string_view wanted) {
            return wanted == name ? std::optional<std::string>{token} : std::nullopt;
        };
    }
    Host host{std::move(options)};
    for (const std::string& directory : stage_directories(common.stage_path)) {
        host.load_plugins_in(directory); // what cannot be used is logged by the host
    }
    return host;
}

void print_violations(const std::string& file, const std::vector<stage::Violation>& violations) {
    for (const stage::Violation& v : violations) {
        std::cerr << file << ": " << (v.warning ? "warning" : "error");
        if (!v.pointer.empty()) std::cerr << " at " << v.pointer;
        std::cerr << ": " << v.message << "\n";
    }
}

std::string host_name() {
    char name[256] = {};
    if (gethostname(name, sizeof name - 1) != 0) return "local";
    return is_id(name) ? name : "local";
}

bool is_id(const std::string& text) {
    return !text.empty() && text.size() <= 128 && text != "." && text != ".." && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

std::string pipeline_id(const std::string& wanted, const std::string& resource_name, const std::string& file) {
    if (!wanted.empty()) return wanted;
    std::string id = !resource_name.empty() ? resource_name : std::filesystem::path{file}.stem().string();
    for (char& c : id) {
        if (!is_id(std::string{'x', c})) c = '-';
    }
    return is_id(id) ? id : "pipeline";
}

int stages(const CommonOptions& common) {
    const Host host = make_host(common);
    const std::vector<StageTypeInfo> types = host.stage_types();
    std::size_t width = 4;
    for (const StageTypeInfo& type : types)
        width = std::max(width, type.name.size());
    std::printf("%-*s  %-9s  %-8s  %s\n", static_cast<int>(width), "TYPE", "KIND", "VERSION", "FROM");
    for (const StageTypeInfo& type : types) {
        std::printf("%-*s  %-9s  %-8s  %s\n", static_cast<int>(width), type.name.c_str(), kind_name(type.kind), type.version.c_str(),
                    type.path.c_str());
    }
    if (!types.empty()) return Exit::done;
    std::cerr << "fluxgate: no stage plugin was found; looked in:";
    for (const std::string& directory : stage_directories(common.stage_path))
        std::cerr << " " << directory;
    std::cerr << "; name another place with --stage-path DIR\n";
    return Exit::failed;
}

} // namespace fluxgate::runner
