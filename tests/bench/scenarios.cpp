#include "scenarios.hpp"

#include "fluxgate/stage.h"
#include "fluxgate/stage.hpp"

#include <chrono>
#include <ctime>
#include <dlfcn.h>
#include <iostream>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <stdexcept>
#include <vector>

namespace fluxgate::bench {

namespace {

double cpu_now() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Measures one reading.
class Watch {
public:
    void stop(Measured& into) const {
        into.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
        into.cpu_seconds = cpu_now() - cpu_;
    }

private:
    std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
    double cpu_ = cpu_now();
};

std::uint64_t hash(std::string_view s) {
    return std::hash<std::string_view>{}(s);
}

fg_host make_host() {
    fg_host host{};
    host.size = sizeof host;
    host.abi_version = FLUXGATE_ABI_VERSION;
    host.log = [](void*, std::int32_t level, fg_text, fg_text message, const fg_field*, std::size_t) {
        if (level >= FG_LOG_WARNING) std::cerr << stage::to_view(message) << "\n";
    };
    host.resolve_secret = [](void* context, fg_text, fg_secret* out, fg_error*) -> std::int32_t {
        const std::string& token = static_cast<const Target*>(context)->token;
        out->data = token.data();
        out->size = token.size();
        return FG_OK;
    };
    host.state_get = [](void*, fg_text, fg_blob*, fg_error*) -> std::int32_t { return FG_OK; }; // there is none yet
    host.state_commit = [](void*, const fg_state_change*, std::size_t, fg_error*) -> std::int32_t { return FG_OK; };
    host.metric = [](void*, std::int32_t, fg_text, const fg_field*, std::size_t, double) {};
    host.dead_letter = [](void*, const fg_dead_letter*, fg_error*) -> std::int32_t { return FG_ERR_DEAD_LETTER; };
    host.set_health = [](void*, std::int32_t, fg_text, fg_text) {};
    host.monotonic_ns = [](void*) -> std::int64_t {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
    host.wall_ns = [](void*) -> std::int64_t {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    };
    host.complete = [](void*, std::uint64_t, std::int32_t) {};
    return host;
}

const fg_source_api* load_source() {
    void* library = dlopen(FLUXGATE_BINARY_DIR "/lib/fluxgate/stages/fluxgate_stage_influxdb.so", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto init = reinterpret_cast<fg_plugin_init_fn>(dlsym(library, FLUXGATE_PLUGIN_SYMBOL));
    fg_plugin plugin{};
    plugin.size = sizeof plugin;
    if (init == nullptr || init(FLUXGATE_ABI_VERSION, &plugin, nullptr) != FG_OK) throw std::runtime_error("the plugin cannot be used");
    return static_cast<const fg_source_api*>(plugin.types[0]->api);
}

std::string document(const Target& target) {
    return R"json({"displayName":"bench","type":"input/influxdbv2@v1","url":"http://127.0.0.1","organization":"test-org","interval":"1h",)json"
           R"json("query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},"format":{"type":"json"},)json"
           R"json("partitionCount":8,"partitionStrategy":{"type":"key","expression":".payload.host"},)json"
           R"json("authentication":{"type":"accessToken","accessToken":"TOKEN"},"compression":")json" +
           std::string{target.gzip ? "gzip" : "none"} + R"json(","port":)json" + std::to_string(target.port) + "}";
}

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
        if (verify_) into_.checksum += hash({buffer_.GetString() + begin, buffer_.GetSize() - begin});
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

Measured floor(const Target& target) {
    Measured m;
    const Watch watch;
    m.bytes = read_with_beast(target, [](std::string_view) {});
    watch.stop(m);
    return m;
}

Measured plain(const Target& target, bool verify) {
    Measured m;
    PlainReader reader{m, verify};
    const Watch watch;
    m.bytes = read_with_beast(target, [&](std::string_view bytes) { reader.feed(bytes); });
    watch.stop(m);
    return m;
}

namespace {

Measured run_source(const Target& target, bool verify, const std::string& text) {
    const fg_source_api* api = load_source();
    fg_host host = make_host();
    host.context = const_cast<Target*>(&target);
    fg_stage_config config{};
    config.size = sizeof config;
    config.flags = FG_RUN_ONCE;
    config.document = stage::to_text(text);
    config.pipeline_id = config.instance_id = config.stage_id = stage::to_text("bench");
    config.partition_count = 1;
    void* stage = nullptr;
    stage::ErrorSlot slot;
    if (const std::int32_t code = api->create(&config, &host, &stage, slot.get()); code != FG_OK) throw std::runtime_error(slot.take(code).text());

    Measured m;
    const Watch watch;
    for (;;) {
        fg_batch batch{};
        stage::ErrorSlot error;
        const std::int32_t code = api->next(stage, 1'000'000'000, &batch, error.get());
        if (code == FG_ENDED) break;
        if (code == FG_NOTHING_YET) continue;
        if (code != FG_OK) throw std::runtime_error(error.take(code).text());
        m.rows += batch.count;
        m.bytes += batch.text_size;
        if (verify) {
            for (std::uint32_t i = 0; i < batch.count; ++i)
                m.checksum += hash({batch.text + batch.messages[i].payload_offset, batch.messages[i].payload_size});
        }
        const std::uint64_t sequence = batch.sequence;
        batch.release(&batch);
        api->acknowledge(stage, sequence, FG_DELIVERED, nullptr);
    }
    watch.stop(m);
    api->stop(stage, nullptr);
    api->release(stage);
    return m;
}

} // namespace

Measured source(const Target& target, bool verify) {
    return run_source(target, verify, document(target));
}

Measured windowed(const Target& target, bool verify, std::string_view more) {
    std::string text = document(target);
    const std::string range = "range(start: -1h)";
    text.replace(text.find(range), range.size(), "range(start: v.timeRangeStart, stop: v.timeRangeStop)");
    text.insert(1, R"("incremental":{"start":"2026-01-01T00:00:00Z","stop":"2026-01-01T00:10:00Z")" + std::string{more} + ",");
    return run_source(target, verify, text);
}

} // namespace fluxgate::bench
