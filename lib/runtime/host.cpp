#include "fluxgate/host.hpp"

#include "runtime/host_shared.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

namespace fluxgate {

namespace {

std::int64_t steady_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::int64_t system_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_stage_library(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    return name.rfind("fluxgate_stage_", 0) == 0 && path.extension() == ".so";
}

} // namespace

Host::Shared::Shared(HostOptions options) : options_(std::move(options)), secrets_(options_.secrets_directory) {
    reading_.comments = options_.comments;
    reading_.variables = options_.variable;
    if (options_.source) reading_.source = config::SourcePatch{options_.source->from, options_.source->type, options_.source->members};
    if (!options_.monotonic_ns) options_.monotonic_ns = steady_now;
    if (!options_.wall_ns) options_.wall_ns = system_now;
}

void Host::Shared::log(LogLevel level, std::string_view event, std::string_view message, const std::vector<LogField>& fields) const {
    if (!options_.log) return;
    const std::string clean = redactor.apply(message);
    std::vector<std::string> values;
    values.reserve(fields.size());
    for (const LogField& field : fields)
        values.push_back(redactor.apply(field.value));
    std::vector<LogField> shown;
    shown.reserve(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i)
        shown.push_back({fields[i].name, values[i]});
    options_.log({level, wall_ns(), event, clean, shown.data(), shown.size()});
}

Result<std::string> Host::Shared::resolve_secret(std::string_view name) {
    if (options_.secret) {
        if (std::optional<std::string> value = options_.secret(name)) {
            redactor.add(*value);
            return *std::move(value);
        }
    }
    auto value = secrets_.resolve(name);
    if (value.ok()) redactor.add(*value);
    return value;
}

Error Host::Shared::redacted(Error error) const {
    error.message = redactor.apply(error.message);
    error.server_text = redactor.apply(error.server_text);
    error.details = redactor.apply(error.details);
    return error;
}

Host::Host(HostOptions options) : shared_(std::make_shared<Shared>(std::move(options))) {}
Host::Host(Host&&) noexcept = default;
Host& Host::operator=(Host&&) noexcept = default;
Host::~Host() = default;

Result<void> Host::load_plugin(const std::string& path) {
    auto loaded = shared_->registry.load(path);
    if (!loaded.ok()) shared_->log(LogLevel::error, "plugin.refused", loaded.error().message, {{"path", path}});
    return loaded;
}

LoadReport Host::load_plugins_in(const std::string& directory) {
    LoadReport report;
    std::vector<std::string> paths;
    std::error_code trouble;
    for (std::filesystem::directory_iterator at{directory, trouble}, end; !trouble && at != end; at.increment(trouble))
        if (is_stage_library(at->path())) paths.push_back(at->path().string());
    if (trouble) report.failures.push_back({Errc::plugin, "the stage directory " + directory + " cannot be read: " + trouble.message()});
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
        auto loaded = load_plugin(path);
        if (loaded.ok())
            report.loaded.push_back(path);
        else
            report.failures.push_back(std::move(loaded).error());
    }
    return report;
}

Result<void> Host::register_type(const fg_stage_type* type) {
    return shared_->registry.add(type);
}

std::vector<StageTypeInfo> Host::stage_types() const {
    return shared_->registry.list();
}

std::vector<MetricSample> Host::metrics() const {
    return shared_->metrics.snapshot();
}

void Host::log(LogLevel level, std::string_view event, std::string_view message, std::initializer_list<LogField> fields) const {
    shared_->log(level, event, message, fields);
}

std::optional<std::string> environment_variable(std::string_view name) {
    const char* value = std::getenv(std::string{name}.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

std::string_view version() noexcept {
    return FLUXGATE_VERSION;
}

} // namespace fluxgate
