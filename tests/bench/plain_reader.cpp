#include "scenarios.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <vector>

namespace fluxgate::bench {

namespace {

void split(std::string_view line, std::vector<std::string>& fields) {
    fields.clear();
    std::string field;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted) {
            if (c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
                field += '"';
                ++i;
            } else if (c == '"') {
                quoted = false;
            } else {
                field += c;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',') {
            fields.push_back(field);
            field.clear();
        } else {
            field += c;
        }
    }
    fields.push_back(field);
}

// The plain loop's idea of a response. It is right for the benchmark's answers, which is why its payloads can be compared.
class PlainReader {
public:
    PlainReader(Measured& into, bool verify) : into_(into), verify_(verify) {}

    void feed(std::string_view bytes) {
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t end = bytes.find('\n', at);
            rest_ += bytes.substr(at, end == std::string_view::npos ? end : end - at);
            if (end == std::string_view::npos) return;
            at = end + 1;
            if (!rest_.empty() && rest_.back() == '\r') rest_.pop_back();
            line();
            rest_.clear();
        }
    }

private:
    void line() {
        if (rest_.empty()) return;
        split(rest_, fields_);
        if (fields_[0] == "#datatype") {
            types_ = fields_;
            header_next_ = false;
        } else if (fields_[0] == "#default") {
            defaults_ = fields_;
            header_next_ = true;
        } else if (header_next_) {
            names_ = fields_;
            header_next_ = false;
        } else if (fields_[0].empty()) {
            row();
        }
    }
    void row() {
        buffer_.Clear();
        rapidjson::Writer<rapidjson::StringBuffer> writer{buffer_};
        writer.StartObject();
        writer.Key("systemProperties");
        writer.StartObject();
        writer.Key("timestamp");
        writer.String("2026-11-21T10:02:07.123Z");
        writer.Key("partitionId");
        writer.Int(0);
        writer.EndObject();
        writer.Key("properties");
        writer.StartObject();
        writer.Key("result");
        writer.String((fields_[1].empty() ? defaults_[1] : fields_[1]).c_str());
        writer.Key("table");
        writer.RawValue(fields_[2].c_str(), fields_[2].size(), rapidjson::kNumberType);
        writer.EndObject();
        writer.Key("userProperties");
        writer.StartArray();
        writer.EndArray();
        writer.Key("payload");
        const std::size_t begin = buffer_.GetSize() + 1; // behind the colon
        writer.StartObject();
        for (std::size_t i = 3; i < fields_.size(); ++i) {
            writer.Key(names_[i].c_str(), static_cast<rapidjson::SizeType>(names_[i].size()));
            const std::string& value = fields_[i].empty() ? defaults_[i] : fields_[i];
            if (value.empty()) {
                writer.Null();
            } else if (types_[i] == "double" || types_[i] == "long" || types_[i] == "unsignedLong" || types_[i] == "boolean") {
                writer.RawValue(value.c_str(), value.size(), rapidjson::kNumberType);
            } else {
                writer.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
            }
        }
        writer.EndObject();
        if (verify_) into_.checksum += std::hash<std::string_view>{}({buffer_.GetString() + begin, buffer_.GetSize() - begin});
        writer.EndObject();
        ++into_.rows;
    }

    Measured& into_;
    bool verify_;
    std::string rest_;
    std::vector<std::string> fields_, types_, defaults_, names_;
    bool header_next_ = false;
    rapidjson::StringBuffer buffer_;
};

} // namespace

Measured plain(const Target& target, bool verify) {
    Measured m;
    PlainReader reader{m, verify};
    const Watch watch;
    m.bytes = read_with_beast(target, [&](std::string_view bytes) { reader.feed(bytes); });
    watch.stop(m);
    return m;
}

} // namespace fluxgate::bench
