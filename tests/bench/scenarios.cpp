#include "scenarios.hpp"

#include "fluxgate/stage.hpp"
#include "support/paths.hpp"

#include <chrono>
#include <ctime>
#include <dlfcn.h>
#include <iostream>
#include <stdexcept>

namespace fluxgate::bench {

namespace {

double wall_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_now() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// What count_allocations.c counts, where it is preloaded.
std::uint64_t allocations_now() {
    static const auto counted = reinterpret_cast<std::uint64_t (*)()>(dlsym(RTLD_DEFAULT, "fluxgate_bench_allocations"));
    return counted == nullptr ? 0 : counted();
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

// A jq expression as a JSON string.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

std::string document(const Target& target) {
    return R"json({"displayName":"bench","type":"input/influxdbv2@v1","url":"http://127.0.0.1","organization":"test-org","interval":"1h",)json"
           R"json("query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},"format":{"type":"json"},)json"
           R"json("authentication":{"type":"accessToken","accessToken":"TOKEN"},"compression":")json" +
           std::string{target.gzip ? "gzip" : "none"} + R"json(","partitionStrategy":{"type":"key","expression":)json" + quoted(target.expression) +
           R"json(},"partitionCount":)json" + std::to_string(target.partitions) + R"json(,"port":)json" + std::to_string(target.port) + "}";
}

} // namespace

Watch::Watch() : wall_(wall_now()), cpu_(cpu_now()), allocations_(allocations_now()) {}

void Watch::stop(Measured& into) const {
    into.seconds = wall_now() - wall_;
    into.cpu_seconds = cpu_now() - cpu_;
    into.allocations = allocations_now() - allocations_;
}

Measured floor(const Target& target, Reads reads) {
    Measured m;
    const Watch watch;
    m.bytes = read_with_beast(
        target, [](std::string_view) {}, reads);
    watch.stop(m);
    return m;
}

std::string window_end(std::uint32_t index) {
    const std::uint32_t minute = 5 * (index + 1);
    const auto two = [](std::uint32_t value) { return std::to_string(value / 10) + std::to_string(value % 10); };
    return "2026-01-01T" + two(minute / 60) + ':' + two(minute % 60) + ":00Z";
}

std::uint64_t payload_sum(const fg_batch& batch) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < batch.count; ++i)
        sum += std::hash<std::string_view>{}({batch.text + batch.messages[i].payload_offset, batch.messages[i].payload_size});
    return sum;
}

Measured source(const Target& target, const OnBatch& on_batch) {
    const fg_source_api* api = load_source();
    fg_host host = make_host();
    host.context = const_cast<Target*>(&target);
    std::string text = document(target);
    if (!target.incremental.empty()) {
        const std::string range = "range(start: -1h)";
        text.replace(text.find(range), range.size(), "range(start: v.timeRangeStart, stop: v.timeRangeStop)");
        text.insert(1, R"("incremental":{"window":")" + std::to_string(target.window_minutes) + R"(m","start":"2026-01-01T00:00:00Z","stop":")" +
                           window_end(target.windows * target.window_minutes / 5 - 1) + '"' + target.incremental + ",");
    }
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
        if (on_batch) on_batch(batch);
        const std::uint64_t sequence = batch.sequence;
        batch.release(&batch);
        api->acknowledge(stage, sequence, FG_DELIVERED, nullptr);
    }
    watch.stop(m);
    api->stop(stage, nullptr);
    api->release(stage);
    return m;
}

} // namespace fluxgate::bench
