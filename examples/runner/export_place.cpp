#include "export_place.hpp"

#include "config/json_text.hpp"
#include "json_parts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

namespace fs = std::filesystem;

std::string text_in(const rapidjson::Value& object, const char* name) {
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd() || !member->value.IsString()) return {};
    return {member->value.GetString(), member->value.GetStringLength()};
}

std::vector<std::string> list_in(const rapidjson::Value& object, const char* name) {
    std::vector<std::string> out;
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd() || !member->value.IsArray()) return out;
    for (const auto& item : member->value.GetArray())
        if (item.IsString()) out.emplace_back(item.GetString(), item.GetStringLength());
    return out;
}

Error broken(const std::string& what, const std::string& path, const std::error_code& error) {
    return {Errc::io,
            "cannot " + what + " '" + path + "': " + error.message() + "; the export needs a directory that it may write to, --out names it"};
}

std::error_code last_error() {
    return {errno, std::system_category()};
}

Result<void> sync_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return broken("open", path, last_error());
    const bool good = ::fsync(fd) == 0;
    const std::error_code error = last_error();
    ::close(fd);
    if (!good) return broken("sync", path, error);
    return {};
}

// All or nothing, durable.
Result<void> write_file(const std::string& directory, const std::string& name, const std::string& text) {
    const std::string path = directory + "/" + name, draft = path + ".part";
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return broken("make", draft, last_error());
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    const std::error_code error = last_error();
    if (::close(fd) != 0 || !written) return broken("write", draft, written ? last_error() : error);
    if (::rename(draft.c_str(), path.c_str()) != 0) return broken("rename", draft, last_error());
    return sync_directory(directory);
}

Result<ExportPlan> parse(const std::string& path, const std::string& text) {
    const config::JsonText read = config::parse_json(text);
    if (!read.parsed || !read.dom.IsObject())
        return Error{Errc::configuration, "'" + path + "' is damaged; remove it and the files beside it, and export anew"};
    const auto& object = read.dom;
    ExportPlan plan{text_in(object, "url"),          text_in(object, "organization"), text_in(object, "bucket"),     text_in(object, "format"),
                    list_in(object, "measurements"), list_in(object, "fields"),       text_in(object, "givenStart"), text_in(object, "givenStop")};
    const auto start = State::parse_time(text_in(object, "start")), stop = State::parse_time(text_in(object, "stop"));
    const auto gzip = object.FindMember("gzip");
    if (!start.ok() || !stop.ok() || gzip == object.MemberEnd() || !gzip->value.IsBool())
        return Error{Errc::configuration, "'" + path + "' is damaged; remove it and the files beside it, and export anew"};
    plan.start = *start;
    plan.stop = *stop;
    plan.gzip = gzip->value.GetBool();
    return plan;
}

// The first difference between what is there and what is asked for, and what to do about it, or "".
std::string difference(const ExportPlan& there, const ExportPlan& wanted) {
    const auto differs = [](const char* what, const std::string& a, const std::string& b, const char* next) {
        return a == b ? std::string{}
                      : std::string{what} + " " + (a.empty() ? "of its own" : a) + ", not " + (b.empty() ? "none" : b) + "; go on with " + next;
    };
    constexpr const char* server = "the server that it began with (what the document, its variables and --relationship come to)";
    constexpr const char* switches = "the same switches";
    for (const std::string& one :
         {differs("url", there.url, wanted.url, server), differs("organization", there.organization, wanted.organization, server),
          differs("--bucket", there.bucket, wanted.bucket, switches),
          differs("--measurement", json_list(there.measurements), json_list(wanted.measurements), switches),
          differs("--field", json_list(there.fields), json_list(wanted.fields), switches),
          differs("--start", there.given_start, wanted.given_start, switches), differs("--stop", there.given_stop, wanted.given_stop, switches),
          differs("--format", there.format, wanted.format, switches),
          differs("--gzip", there.gzip ? "on" : "off", wanted.gzip ? "on" : "off", switches)}) {
        if (!one.empty()) return one;
    }
    return {};
}

// 20261121T100000.5Z as an instant.
std::optional<std::int64_t> instant_of(std::string_view compact) {
    if (compact.size() < 16 || compact[8] != 'T') return std::nullopt;
    const std::string text = std::string{compact.substr(0, 4)} + '-' + std::string{compact.substr(4, 2)} + '-' + std::string{compact.substr(6, 5)} +
                             ':' + std::string{compact.substr(11, 2)} + ':' + std::string{compact.substr(13)};
    const Result<std::int64_t> at = State::parse_time(text);
    return at.ok() ? std::optional{*at} : std::nullopt;
}

} // namespace

std::string ExportPlan::json() const {
    return "{\"url\":" + json_string(url) + ",\"organization\":" + json_string(organization) + ",\"bucket\":" + json_string(bucket) +
           ",\"measurements\":" + json_list(measurements) + ",\"fields\":" + json_list(fields) + ",\"givenStart\":" + json_string(given_start) +
           ",\"givenStop\":" + json_string(given_stop) + ",\"start\":" + json_string(State::format_time(start)) +
           ",\"stop\":" + json_string(State::format_time(stop)) + ",\"format\":" + json_string(format) + ",\"gzip\":" + (gzip ? "true" : "false") +
           "}\n";
}

std::string ExportPlan::prefix() const {
    std::string name;
    for (const char c : bucket.substr(0, 100)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        name += plain && !(name.empty() && c == '.') ? c : '_';
    }
    return name + "-";
}

std::string ExportPlan::file_template() const {
    return prefix() + "{{windowStart}}-{{windowStop}}-{{fileNumber}}" + extension();
}

Result<ExportPlan> ExportPlace::open(const ExportPlan& wanted) const {
    std::error_code error;
    const std::string path = state_directory() + "/export.json";
    const bool known = fs::exists(path, error);
    if (error && error != std::errc::not_a_directory) return broken("look at", path, error);
    if (known) {
        std::ifstream in{path, std::ios::binary};
        auto there = parse(path, std::string{std::istreambuf_iterator<char>{in}, {}});
        if (!there.ok()) return there;
        const std::string other = difference(*there, wanted);
        if (other.empty()) return there;
        return Error{Errc::configuration, "'" + directory_ + "' holds an export with " + other + ", or give another directory with --out"};
    }
    if (fs::exists(directory_, error) && !fs::is_directory(directory_, error))
        return Error{Errc::configuration, "'" + directory_ + "' is no directory; give a new or an empty one with --out"};
    const bool empty = !fs::exists(directory_, error) || fs::is_empty(directory_, error);
    if (error) return broken("look into", directory_, error);
    if (!empty && !fs::is_directory(state_directory(), error))
        return Error{Errc::configuration, "'" + directory_ + "' is not empty and holds no export; give a new or an empty directory with --out"};
    fs::create_directories(state_directory(), error);
    if (error) return broken("make", state_directory(), error);
    if (Result<void> done = write_file(state_directory(), "export.json", wanted.json()); !done.ok()) return std::move(done).error();
    const std::string parent = fs::path{directory_}.lexically_normal().parent_path().string();
    for (const std::string& directory : {directory_, parent.empty() ? std::string{"."} : parent})
        if (Result<void> done = sync_directory(directory); !done.ok()) return std::move(done).error();
    return wanted;
}

Result<std::vector<ExportPlace::Named>> ExportPlace::files(const ExportPlan& plan) const {
    std::vector<Named> out;
    const std::string prefix = plan.prefix(), extension = plan.extension();
    std::error_code error;
    for (fs::directory_iterator at{directory_, error}, end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.size() < prefix.size() + extension.size() || name.compare(0, prefix.size(), prefix) != 0 ||
            name.compare(name.size() - extension.size(), extension.size(), extension) != 0)
            continue;
        const std::string_view edges = std::string_view{name}.substr(prefix.size());
        const std::size_t dash = edges.find('-');
        if (dash == std::string_view::npos) continue;
        const std::string_view rest = edges.substr(dash + 1);
        const auto start = instant_of(edges.substr(0, dash)), stop = instant_of(rest.substr(0, rest.find('-')));
        std::error_code gone;
        if (start && stop && at->is_regular_file(gone)) out.push_back({at->path().string(), *start, *stop, at->file_size(gone)});
    }
    if (error) return broken("list", directory_, error);
    return out;
}

Result<std::optional<std::int64_t>> ExportPlace::tidy(const ExportPlan& plan) const {
    auto state = State::open(state_directory(), pipeline, State::Access::write); // locks it meanwhile
    if (!state.ok()) return std::move(state).error();
    auto cursor = state->cursor();
    if (!cursor.ok()) return std::move(cursor).error();
    const std::optional<std::int64_t> position = *cursor ? std::optional{(*cursor)->position_ns} : std::nullopt;
    auto found = files(plan);
    if (!found.ok()) return std::move(found).error();
    const auto unpassed = [&position](const Named& file) { return !position || file.start >= *position; };
    if (Result<void> done = remove_those(*found, unpassed); !done.ok()) return std::move(done).error();
    if (Result<void> done = remove_halved(plan); !done.ok()) return std::move(done).error();
    return position;
}

Result<void> ExportPlace::remove_halved(const ExportPlan& plan) const {
    const auto found = files(plan);
    if (!found.ok()) return found.error();
    return remove_those(*found, [&found](const Named& file) {
        return std::any_of(found->begin(), found->end(), [&file](const Named& other) {
            return other.start >= file.start && other.stop <= file.stop && (other.start != file.start || other.stop != file.stop);
        });
    });
}

Result<void> ExportPlace::remove_those(const std::vector<Named>& files, const std::function<bool(const Named&)>& unwanted) const {
    bool removed = false;
    for (const Named& file : files) {
        if (!unwanted(file)) continue;
        std::error_code error;
        if (!fs::remove(file.path, error) && error) return broken("remove", file.path, error);
        removed = true;
    }
    if (!removed) return {};
    return sync_directory(directory_);
}

ExportPlace::Contents ExportPlace::contents(const ExportPlan& plan) const {
    Contents out;
    const auto found = files(plan);
    if (!found.ok()) return out;
    for (const Named& file : *found) {
        ++out.files;
        out.bytes += file.bytes;
    }
    return out;
}

} // namespace fluxgate::runner
