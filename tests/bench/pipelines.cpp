// bench_pipelines PORT COUNT: one process, one host, so many pipelines at once, each reading the answer of the server at PORT into
// eight partitions and an output that throws away. Ends when all have. Prints one line of JSON: the messages delivered, what making
// the pipelines took, and what running them took.
#include "support/paths.hpp"

#include <fluxgate/pipeline.hpp>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace fluxgate;

// output/discard@v1
class Discard final : public stage::Output {
public:
    static Result<std::unique_ptr<Discard>> create(const stage::Config&, stage::Host host) { return std::make_unique<Discard>(host); }
    explicit Discard(stage::Host host) : host_(host) {}

    Result<stage::Written> write(fg_batch& batch, std::uint64_t token) override {
        if (batch.release != nullptr) batch.release(&batch);
        host_.complete(token, FG_DELIVERED);
        return stage::Written::taken;
    }
    Result<void> poll(std::int64_t, std::int64_t& next_deadline_ns) override {
        next_deadline_ns = host_.monotonic_ns() + 1'000'000'000;
        return {};
    }
    Result<stage::Flushed> flush(std::int64_t) override { return stage::Flushed::all; }

private:
    stage::Host host_;
};

const stage::StageType discard =
    stage::stage_type(FG_KIND_OUTPUT, "output/discard@v1", "1.0.0", R"({"type": "object"})", stage::output_api<Discard>());

std::string document(const std::string& port) {
    return R"json({"displayName":"bench","input":{"displayName":"bench","type":"input/influxdbv2@v1","url":"http://127.0.0.1","port":)json" + port +
           R"json(,"organization":"test-org","interval":"1h","query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},)json"
           R"json("format":{"type":"json"},"partitionCount":8,"partitionStrategy":{"type":"key","expression":".payload.host"},)json"
           R"json("authentication":{"type":"accessToken","accessToken":"TOKEN"},"next":["out"]},"stages":{"out":{"type":"output/discard@v1"}}})json";
}

template <class T>
T take(Result<T> result) {
    if (!result.ok()) throw std::runtime_error(result.error().text());
    return *std::move(result);
}

void must(Result<void> result) {
    if (!result.ok()) throw std::runtime_error(result.error().text());
}

struct Spent {
    double wall, cpu;
};

Spent spent() {
    const auto now = [](clockid_t clock) {
        timespec t{};
        clock_gettime(clock, &t);
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
    };
    return {now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID)};
}

// Waits for its end; the messages it delivered.
unsigned long long finish(Pipeline& pipeline) {
    pipeline.wait();
    const auto outcome = pipeline.outcome();
    if (!outcome || outcome->how != Ending::ended)
        throw std::runtime_error(outcome && outcome->error ? outcome->error->text() : std::string{"a pipeline did not end by itself"});
    unsigned long long delivered = 0;
    for (const std::uint64_t messages : pipeline.counters().delivered)
        delivered += messages;
    return delivered;
}

void run(const std::string& port, int count) {
    setenv("TOKEN", "sample-token", 1);
    unsetenv("HOME"); // libjq would read $HOME/.jq
    Host host;
    must(host.load_plugin(FLUXGATE_BINARY_DIR "/lib/fluxgate/stages/fluxgate_stage_influxdb.so"));
    must(host.register_type(&discard));
    const Spent begin = spent();
    std::vector<Pipeline> pipelines;
    for (int i = 0; i < count; ++i) {
        PipelineOptions options;
        options.id = "bench-" + std::to_string(i);
        options.once = true;
        pipelines.push_back(take(Pipeline::create(host, document(port), options)));
    }
    const Spent made = spent();
    for (Pipeline& pipeline : pipelines)
        must(pipeline.start());
    unsigned long long delivered = 0;
    for (Pipeline& pipeline : pipelines)
        delivered += finish(pipeline);
    const Spent end = spent();
    std::printf(R"({"messages":%llu,"made_cpu_seconds":%.6f,"cpu_seconds":%.6f,"seconds":%.6f})"
                "\n",
                delivered, made.cpu - begin.cpu, end.cpu - made.cpu, end.wall - made.wall);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "bench_pipelines PORT COUNT\n";
        return 2;
    }
    try {
        run(argv[1], std::atoi(argv[2]));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_pipelines: " << error.what() << "\n";
        return 1;
    }
}
