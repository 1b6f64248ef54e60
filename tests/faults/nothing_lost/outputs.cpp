#include "outputs.hpp"

#include "sample_server/table.hpp"

#include <rapidjson/document.h>

#include <fstream>
#include <iterator>

namespace fluxgate::nothing_lost {

namespace fs = std::filesystem;

namespace {

std::string content_of(const std::string& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// The message's payload, byte for byte, without the two columns that depend on the window.
std::string payload_of(std::string_view text) {
    const std::string_view mark = R"("userProperties":[],"payload":)";
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) return {};
    std::string_view payload = text.substr(at + mark.size());
    payload.remove_suffix(1);
    if (payload.substr(0, 11) != R"({"_start":")") return std::string{payload};
    const std::size_t stop = payload.find(',') + 1; // times have no comma
    return '{' + std::string{payload.substr(payload.find(',', stop) + 1)};
}

std::optional<Instant> time_in(const rapidjson::Value& pair, rapidjson::SizeType at) {
    const auto time = pair[at].IsString() ? sample::parse_time(pair[at].GetString()) : std::nullopt;
    return time ? std::optional{time->ns} : std::nullopt;
}

std::string wrong_with(std::string_view text, const char* what) {
    return std::string{what} + ": " + std::string{text.substr(0, 300)};
}

} // namespace

std::string read_message(std::string_view text, Message& out) {
    rapidjson::Document parsed;
    parsed.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    const rapidjson::Value& json = parsed;
    if (parsed.HasParseError() || !json.IsObject()) return wrong_with(text, "is no JSON object");
    const auto system = json.FindMember("systemProperties"), properties = json.FindMember("properties");
    if (system == json.MemberEnd() || !system->value.IsObject() || properties == json.MemberEnd() || !properties->value.IsObject())
        return wrong_with(text, "is no message");
    const auto partition = system->value.FindMember("partitionId"), id = properties->value.FindMember("rowId"),
               window = properties->value.FindMember("window");
    if (partition == system->value.MemberEnd() || !partition->value.IsUint()) return wrong_with(text, "has no partitionId");
    if (id == properties->value.MemberEnd() || !id->value.IsString()) return wrong_with(text, "has no rowId");
    if (window == properties->value.MemberEnd() || !window->value.IsArray() || window->value.Size() != 2) return wrong_with(text, "has no window");
    const auto start = time_in(window->value, 0), stop = time_in(window->value, 1);
    if (!start || !stop) return wrong_with(text, "has no window");
    out = {payload_of(text), id->value.GetString(), {*start, *stop}, partition->value.GetUint()};
    return out.payload.empty() ? wrong_with(text, "has no payload") : std::string{};
}

std::string FinalFiles::read(const std::string& path, const std::string& name, const Deliver& deliver) const {
    std::string text = content_of(path);
    if (arrays_) { // "[\n", messages between ",\n", "\n]\n"
        if (text.size() < 5 || text.compare(0, 2, "[\n") != 0 || text.compare(text.size() - 3, 3, "\n]\n") != 0)
            return name + " is a half file under a final name: it is no whole array";
        text = text.substr(2, text.size() - 4);
    }
    if (text.empty() || text.back() != '\n') return name + " is a half file under a final name: its last line has no end";
    std::size_t line = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        std::string_view one{text.data() + at, end - at};
        at = end + 1;
        if (arrays_ && at < text.size() && !one.empty() && one.back() == ',') one.remove_suffix(1);
        const std::string place = name + " line " + std::to_string(++line);
        Message message;
        if (const std::string wrong = read_message(one, message); !wrong.empty()) return place + " " + wrong;
        deliver(message, place);
    }
    return {};
}

FinalFiles::Found FinalFiles::look(const Deliver& deliver) {
    Found out;
    std::error_code code;
    if (!fs::exists(directory_, code)) return out; // not made yet
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator{directory_}) {
        if (!entry.is_regular_file()) continue;
        const std::string path = entry.path().string(), name = path.substr(directory_.size() + 1);
        if (entry.path().filename().string().rfind(".fluxgate~", 0) == 0) {
            ++out.unfinished;
            out.two_names += entry.hard_link_count() > 1 ? 1u : 0u;
        } else if (files_.emplace(path, Seen{entry.file_size(), entry.last_write_time()}).second) {
            out.wrong = read(path, name, deliver);
            if (!out.wrong.empty()) return out;
        }
    }
    return out;
}

std::string FinalFiles::changed() const {
    for (const auto& [path, seen] : files_) {
        std::error_code code;
        const std::uintmax_t bytes = fs::file_size(path, code);
        if (code) return path + " is gone";
        if (bytes != seen.bytes || fs::last_write_time(path, code) != seen.written)
            return path + " was written to after it had its final name (" + std::to_string(seen.bytes) + " bytes then, " + std::to_string(bytes) +
                   " now)";
    }
    return {};
}

std::string read_lines(const std::string& file, bool& torn, const Deliver& deliver) {
    const std::string text = content_of(file);
    torn = !text.empty() && text.back() != '\n';
    std::size_t line = 0;
    for (std::size_t at = 0, end = text.find('\n'); end != std::string::npos; at = end + 1, end = text.find('\n', at)) {
        const std::string place = "standard output line " + std::to_string(++line);
        Message message;
        if (const std::string wrong = read_message(std::string_view{text}.substr(at, end - at), message); !wrong.empty()) return place + " " + wrong;
        deliver(message, place);
    }
    return {};
}

} // namespace fluxgate::nothing_lost
