#include "commands.hpp"

#include "fluxgate/pipeline.hpp"
#include "progress.hpp"
#include "telemetry/log_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

constexpr std::uintmax_t max_document_bytes = 16u << 20;

const char* kind_name(std::int32_t kind) {
    switch (kind) {
    case FG_KIND_SOURCE: return "source";
    case FG_KIND_PROCESSOR: return "processor";
    case FG_KIND_OUTPUT: return "output";
    default: return "?";
    }
}

} // namespace

Host make_host(const CommonOptions& common) {
    const auto level = telemetry::level_of(common.log_level).value_or(LogLevel::info);
    const auto format = telemetry::format_of(common.log_format).value_or(telemetry::LogFormat::text);
    // The writer outlives every thread, also one that a stage never gives back.
    static telemetry::LogWriter* writer = nullptr;
    writer = new telemetry::LogWriter{STDERR_FILENO, format, level};
    HostOptions options;
    options.secrets_directory = secrets_directory(common);
    options.log = [level](const LogEntry& entry) {
        if (entry.level >= level) terminal_line().around([&entry] { (*writer)(entry); });
    };
    Host host{std::move(options)};
    for (const std::string& directory : stage_directories(common.stage_path)) {
        host.load_plugins_in(directory); // what cannot be used is logged by the host
    }
    return host;
}

std::optional<std::string> read_document(const std::string& file) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    std::ifstream in{file, std::ios::binary};
    if (!in || std::filesystem::is_directory(file)) {
        std::cerr << "fluxgate: cannot read " << file << ": " << (std::filesystem::is_directory(file) ? "it is a directory" : std::strerror(errno))
                  << "\n";
        return std::nullopt;
    }
    if (!error && size > max_document_bytes) {
        std::cerr << "fluxgate: " << file << " is larger than " << max_document_bytes << " bytes, so it is no pipeline document\n";
        return std::nullopt;
    }
    return std::string{std::istreambuf_iterator<char>{in}, {}};
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

int validate(const CommonOptions& common, const std::string& file) {
    const std::optional<std::string> text = read_document(file);
    if (!text) return Exit::usage;
    Host host = make_host(common);
    const Validation found = Pipeline::validate(host, *text);
    print_violations(file, found.violations);
    if (!found.valid) return Exit::usage;
    std::cout << file << ": valid" << (found.enabled ? "" : " (disabled: it will not run)") << "\n";
    return Exit::done;
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
