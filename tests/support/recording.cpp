#include "support/recording.hpp"
#include "support/paths.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <rapidjson/document.h>
#include <sstream>
#include <stdexcept>
#include <zlib.h>

namespace fluxgate::test {

namespace {

std::string gunzip(std::string_view bytes) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 32) != Z_OK) throw std::runtime_error("inflateInit2");
    std::string out;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int code = Z_OK;
    while (code == Z_OK) {
        char piece[65536];
        stream.next_out = reinterpret_cast<Bytef*>(piece);
        stream.avail_out = sizeof piece;
        code = inflate(&stream, Z_NO_FLUSH);
        out.append(piece, sizeof piece - stream.avail_out);
    }
    inflateEnd(&stream);
    if (code != Z_STREAM_END) throw std::runtime_error("gzip data is damaged");
    return out;
}

std::string unchunk(std::string_view framed) {
    std::string out;
    for (;;) {
        const std::size_t line = framed.find("\r\n");
        if (line == std::string_view::npos) throw std::runtime_error("chunk size line is missing");
        const std::size_t size = std::stoul(std::string{framed.substr(0, line)}, nullptr, 16);
        if (size == 0) return out;
        out += framed.substr(line + 2, size);
        framed.remove_prefix(line + 2 + size + 2);
    }
}

std::string folder_path(const std::string& folder) {
    return std::string{FLUXGATE_TEST_DATA} + "/recordings/" + folder + "/";
}

rapidjson::Document load_index(const std::string& folder) {
    rapidjson::Document index;
    index.Parse(read_file(folder_path(folder) + "index.json").c_str());
    if (index.HasParseError()) throw std::runtime_error("index.json of " + folder + " is not JSON");
    return index;
}

} // namespace

std::string read_file(const std::string& path) {
    if (!std::filesystem::exists(path) && std::filesystem::exists(path + ".gz")) return read_file(path + ".gz");
    std::ifstream file{path, std::ios::binary};
    if (!file) throw std::runtime_error("cannot open " + path);
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    return path.size() > 3 && path.substr(path.size() - 3) == ".gz" ? gunzip(bytes) : bytes;
}

Recording load_recording(const std::string& folder, const std::string& name) {
    Recording r;
    r.name = name;
    r.wire = read_file(folder_path(folder) + name + ".response");
    const std::size_t head_end = r.wire.find("\r\n\r\n");
    const std::string head = r.wire.substr(0, head_end);
    r.status = std::stoi(head.substr(9, 3));
    r.gzip = head.find("Content-Encoding: gzip") != std::string::npos;
    r.chunked = head.find("Transfer-Encoding: chunked") != std::string::npos;
    const std::string_view rest = std::string_view{r.wire}.substr(head_end + 4);
    r.body = r.chunked ? unchunk(rest) : std::string{rest};
    if (r.gzip) r.body = gunzip(r.body);
    const std::string expected_path = folder_path(folder) + name + ".expected.jsonl";
    r.has_expected = std::filesystem::exists(expected_path) || std::filesystem::exists(expected_path + ".gz");
    if (r.has_expected) {
        std::istringstream lines{read_file(expected_path)};
        for (std::string line; std::getline(lines, line);)
            r.expected.push_back(line);
    }
    const rapidjson::Document index = load_index(folder);
    for (const auto& entry : index.GetArray()) {
        if (entry["name"].GetString() == name && entry.HasMember("error") && entry["error"].IsString()) r.error = entry["error"].GetString();
    }
    return r;
}

std::vector<std::string> readable_recordings(const std::string& folder) {
    std::vector<std::string> names;
    const rapidjson::Document index = load_index(folder);
    for (const auto& entry : index.GetArray()) {
        if (entry.HasMember("rows")) names.emplace_back(entry["name"].GetString());
    }
    return names;
}

std::string comparable(std::string_view message) {
    const std::size_t properties = message.find("\"properties\":");
    const std::string_view middle = ",\"userProperties\":[]";
    // userProperties stands right before the payload; neither text can occur unescaped inside a string
    const std::size_t user = message.find(middle, properties);
    if (properties == std::string_view::npos || user == std::string_view::npos) throw std::runtime_error("not a message: " + std::string{message});
    std::string out = "{";
    out += message.substr(properties, user - properties);
    out += message.substr(user + middle.size());
    return out;
}

} // namespace fluxgate::test
