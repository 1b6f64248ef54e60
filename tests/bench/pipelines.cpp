// bench_pipelines PORT COUNT: one process, one host, so many pipelines at once, each reading the answer of the server at PORT into
// eight partitions and an output that throws away. Ends when all have. Prints the number of messages delivered.
#include <fluxgate/pipeline.hpp>

#include <cstdio>
#include <cstdlib>
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

void run(const std::string& port, int count) {
    setenv("TOKEN", "sample-token", 1);
    unsetenv("HOME"); // libjq would read $HOME/.jq
    Host host;
    must(host.load_plugin(FLUXGATE_BINARY_DIR "/lib/fluxgate/stages/fluxgate_stage_influxdb.so"));
    must(host.register_type(&discard));
    std::vector<Pipeline> pipelines;
    for (int i = 0; i < count; ++i) {
        PipelineOptions options;
        options.id = "bench-" + std::to_string(i);
        options.once = true;
        pipelines.push_back(take(Pipeline::create(host, document(port), options)));
    }
    for (Pipeline& pipeline : pipelines)
        must(pipeline.start());
    unsigned long long delivered = 0;
    for (Pipeline& pipeline : pipelines) {
        pipeline.wait();
        const auto outcome = pipeline.outcome();
        if (!outcome || outcome->how != Ending::ended)
            throw std::runtime_error(outcome && outcome->error ? outcome->error->text() : std::string{"a pipeline did not end by itself"});
        for (const std::uint64_t messages : pipeline.counters().delivered)
            delivered += messages;
    }
    std::printf("%llu\n", delivered);
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
