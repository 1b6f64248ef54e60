#include "scripted.hpp"

#include "support/catch.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fluxgate::test {

namespace {

std::atomic<std::uint64_t> live{0};
std::shared_ptr<Script> current; // of the newest Bench
std::mutex current_mutex;

std::shared_ptr<Script> script_now() {
    const std::scoped_lock lock{current_mutex};
    return current;
}

struct Memory {
    std::string text;
    std::vector<fg_span> spans;
};

// What the script wants of an entry: an exception, an error, or nothing. Called without the mutex.
Result<void> trouble(Script& script, const std::string& entry) {
    const std::scoped_lock lock{script.mutex};
    if (script.throws_in == entry) throw std::runtime_error("thrown in " + entry);
    const auto error = script.errors.find(entry);
    return error == script.errors.end() ? Result<void>{} : error->second;
}

// Keeps the script's record of which instances live.
class Life {
public:
    Life(std::shared_ptr<Script> script, std::string name) : script_(std::move(script)), name_(std::move(name)) { note("+"); }
    ~Life() { note("-"); }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

private:
    void note(const char* what) {
        script_->set([&] { script_->lives.push_back(what + name_); });
    }
    std::shared_ptr<Script> script_;
    std::string name_;
};

class ScriptedSource final : public stage::Source {
public:
    ScriptedSource(std::shared_ptr<Script> script, stage::Host host) : script_(std::move(script)), host_(host) {}
    static Result<std::unique_ptr<ScriptedSource>> create(const stage::Config&, stage::Host host) {
        auto script = script_now();
        auto bad = trouble(*script, "create:input");
        if (!bad.ok()) return std::move(bad).error();
        return std::make_unique<ScriptedSource>(std::move(script), host);
    }
    [[nodiscard]] std::uint32_t partition_count() const override { return script_->partitions; }

    Result<stage::Next> next(std::int64_t timeout_ns, fg_batch& batch) override {
        auto bad = trouble(*script_, "next");
        if (!bad.ok()) return std::move(bad).error();
        std::size_t letters = 0;
        {
            std::unique_lock lock{script_->mutex};
            ++script_->calls_of_next;
            script_->cv.notify_all();
            script_->cv.wait(lock, [&] { return !script_->stuck; });
            if (script_->cancelled) return Error{Errc::cancelled, "cancelled"};
            if (script_->handed == script_->plan.size()) {
                if (!script_->endless) return stage::Next::ended;
                script_->cv.wait_for(lock, std::chrono::nanoseconds{timeout_ns},
                                     [&] { return script_->cancelled || script_->handed < script_->plan.size(); });
                return stage::Next::nothing_yet;
            }
            letters = script_->letters_before_each;
        }
        for (std::size_t i = 0; i < letters; ++i) {
            auto kept = host_.dead_letter({stage::to_text("bad-row"), stage::to_text("a row"), -1, 0, 0, stage::to_text("raw")});
            if (!kept.ok()) return std::move(kept).error();
        }
        const std::scoped_lock lock{script_->mutex};
        const Planned& planned = script_->plan[script_->handed++];
        batch = make_batch(script_->handed, planned.partition, planned.messages);
        script_->cv.notify_all();
        return stage::Next::batch;
    }
    Result<void> acknowledge(std::uint64_t sequence, fg_outcome outcome) override {
        {
            const std::scoped_lock lock{script_->mutex};
            if (!script_->acks.emplace(sequence, outcome).second) ++script_->double_acks;
            if (script_->on_ack) script_->on_ack(sequence, outcome);
            script_->cv.notify_all();
        }
        return trouble(*script_, "acknowledge");
    }
    void cancel() noexcept override {
        const std::scoped_lock lock{script_->mutex};
        script_->cancelled = true;
        script_->cv.notify_all();
    }
    void wake() noexcept override {}
    Result<void> plan(std::int64_t, const stage::LineSink& line) {
        auto bad = trouble(*script_, "plan");
        if (!bad.ok()) return bad;
        return line(R"({"item":"query"})") ? Result<void>{} : Result<void>{Error{Errc::cancelled, "ended early"}};
    }
    Result<void> stop() override {
        {
            const std::scoped_lock lock{script_->mutex};
            script_->stopped = true;
        }
        return trouble(*script_, "stop");
    }

private:
    std::shared_ptr<Script> script_;
    stage::Host host_;
    Life life_{script_, "input"};
};

class ScriptedProcessor final : public stage::Processor {
public:
    ScriptedProcessor(std::shared_ptr<Script> script, stage::Host host, const std::string& name)
        : script_(std::move(script)), host_(host), life_(script_, name) {}
    static Result<std::unique_ptr<ScriptedProcessor>> create(const stage::Config& config, stage::Host host) {
        auto script = script_now();
        auto bad = trouble(*script, "create:processor");
        if (!bad.ok()) return std::move(bad).error();
        return std::make_unique<ScriptedProcessor>(std::move(script), host, std::string{config.stage_id} + "/" + std::to_string(config.partition));
    }
    Result<void> process(const fg_batch& in, fg_batch& out) override {
        auto bad = trouble(*script_, "process");
        if (!bad.ok()) return bad;
        std::vector<std::string> kept;
        for (const std::string& text : texts_of(in)) {
            if (text.find("drop") != std::string::npos) continue;
            if (text.find("letter") != std::string::npos) {
                auto done =
                    host_.dead_letter({stage::to_text("unwanted"), stage::to_text("a message"), in.partition, in.sequence, 0, stage::to_text(text)});
                if (!done.ok()) return done;
                continue;
            }
            kept.push_back(text);
            if (text.find("twice") != std::string::npos) kept.push_back(text);
        }
        out = make_batch(in.sequence, in.partition, kept);
        return {};
    }

private:
    std::shared_ptr<Script> script_;
    stage::Host host_;
    Life life_;
};

class ScriptedOutput final : public stage::Output {
public:
    ScriptedOutput(std::shared_ptr<Script> script, stage::Host host, std::string id, std::uint32_t partition)
        : script_(std::move(script)), host_(host), id_(std::move(id)), partition_(partition) {}
    ~ScriptedOutput() override { complete_mine(FG_ABANDONED); }
    ScriptedOutput(const ScriptedOutput&) = delete;
    ScriptedOutput& operator=(const ScriptedOutput&) = delete;
    static Result<std::unique_ptr<ScriptedOutput>> create(const stage::Config& config, stage::Host host) {
        auto script = script_now();
        auto bad = trouble(*script, "create:output");
        if (!bad.ok()) return std::move(bad).error();
        return std::make_unique<ScriptedOutput>(std::move(script), host, std::string{config.stage_id}, config.partition);
    }
    Result<stage::Written> write(fg_batch& batch, std::uint64_t token) override {
        auto bad = trouble(*script_, "write");
        if (!bad.ok()) return std::move(bad).error();
        bool hold = false;
        std::function<void(const stage::Host&, std::uint64_t)> instead;
        {
            const std::scoped_lock lock{script_->mutex};
            if (script_->blocked[id_]) return stage::Written::busy;
            auto& all = script_->written[id_][partition_];
            for (std::string& text : texts_of(batch))
                all.push_back(std::move(text));
            hold = script_->holds[id_];
            if (hold) script_->held.push_back({host_, token, key(), batch.sequence});
            instead = script_->on_write;
            script_->cv.notify_all();
        }
        batch.release(&batch);
        if (instead)
            instead(host_, token);
        else if (!hold)
            host_.complete(token, FG_DELIVERED);
        return stage::Written::taken;
    }
    Result<void> poll(std::int64_t, std::int64_t& next_deadline_ns) override {
        auto bad = trouble(*script_, "poll");
        next_deadline_ns = host_.monotonic_ns() + 1'000'000'000;
        const std::scoped_lock lock{script_->mutex};
        ++script_->polls[id_];
        script_->cv.notify_all();
        return bad;
    }
    Result<stage::Flushed> flush(std::int64_t) override {
        auto bad = trouble(*script_, "flush");
        if (!bad.ok()) return std::move(bad).error();
        complete_mine(FG_DELIVERED);
        return stage::Flushed::all;
    }

private:
    [[nodiscard]] std::string key() const { return id_ + "/" + std::to_string(partition_); }
    void complete_mine(fg_outcome outcome) { script_->release_held(key(), outcome); }

    std::shared_ptr<Script> script_;
    stage::Host host_;
    std::string id_;
    std::uint32_t partition_;
    Life life_{script_, key()};
};

} // namespace

fg_batch make_batch(std::uint64_t sequence, std::uint32_t partition, const std::vector<std::string>& messages) {
    auto memory = std::make_unique<Memory>();
    for (const std::string& message : messages) {
        const auto offset = static_cast<std::uint32_t>(memory->text.size());
        const auto size = static_cast<std::uint32_t>(message.size());
        memory->spans.push_back({offset, size, offset, size});
        memory->text += message + "\n";
    }
    fg_batch out{};
    out.sequence = sequence;
    out.partition = partition;
    out.count = static_cast<std::uint32_t>(messages.size());
    out.text = memory->text.data();
    out.text_size = memory->text.size();
    out.messages = memory->spans.data();
    out.private_data = memory.release();
    out.release = [](fg_batch* batch) {
        delete static_cast<Memory*>(batch->private_data);
        batch->release = nullptr;
        --live;
    };
    ++live;
    return out;
}

std::uint64_t live_batches() {
    return live;
}

std::vector<std::string> texts_of(const fg_batch& batch) {
    std::vector<std::string> out;
    for (std::uint32_t i = 0; i < batch.count; ++i)
        out.emplace_back(batch.text + batch.messages[i].offset, batch.messages[i].size);
    return out;
}

bool Script::until(const std::function<bool()>& condition) {
    std::unique_lock lock{mutex};
    return cv.wait_for(lock, std::chrono::seconds{10}, condition);
}

void Script::set(const std::function<void()>& change) {
    const std::scoped_lock lock{mutex};
    change();
    cv.notify_all();
}

void Script::release_held(const std::string& stage, fg_outcome outcome) {
    std::vector<Held> mine;
    {
        const std::scoped_lock lock{mutex};
        for (std::size_t i = 0; i < held.size();) {
            if (held[i].stage != stage) {
                ++i;
                continue;
            }
            mine.push_back(held[i]);
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    for (const Held& one : mine)
        one.host.complete(one.token, outcome);
}

Bench::Bench() {
    {
        const std::scoped_lock lock{current_mutex};
        current = script;
    }
    HostOptions options;
    options.log = [this](const LogEntry& entry) {
        std::string line = std::string{entry.event} + " " + std::string{entry.message};
        for (std::size_t i = 0; i < entry.field_count; ++i)
            line += " " + std::string{entry.fields[i].name} + "=" + std::string{entry.fields[i].value};
        const std::scoped_lock lock{script->mutex};
        log.push_back(std::move(line));
        script->cv.notify_all();
    };
    host = std::make_unique<Host>(std::move(options));
    for (const fg_stage_type* type : types())
        REQUIRE(host->register_type(type).ok());
}

std::array<const fg_stage_type*, 3> Bench::types() {
    static const fg_stage_type source = stage::stage_type(FG_KIND_SOURCE, "input/script@v1", "1.0.0", "", stage::source_api<ScriptedSource>());
    static const fg_stage_type processor =
        stage::stage_type(FG_KIND_PROCESSOR, "processor/script@v1", "1.0.0", "", stage::processor_api<ScriptedProcessor>());
    static const fg_stage_type output = stage::stage_type(FG_KIND_OUTPUT, "output/script@v1", "1.0.0", "", stage::output_api<ScriptedOutput>());
    return {&source, &processor, &output};
}

config::PipelineDocument Bench::graph(const std::string& text) const {
    config::PipelineDocument out;
    std::map<std::string, config::StageNode> nodes;
    std::vector<std::string> order;
    const auto node = [&](const std::string& id) -> config::StageNode& {
        if (nodes.count(id) == 0) {
            order.push_back(id);
            const char* type = id == "input" ? "input/script@v1" : id.rfind("out", 0) == 0 ? "output/script@v1" : "processor/script@v1";
            nodes[id] = {id, type, "", "/stages/" + id, "{}", {}};
        }
        return nodes[id];
    };
    std::istringstream words{text};
    for (std::string word; words >> word;) {
        const std::size_t arrow = word.find('>');
        const std::string head = word.substr(0, arrow), from = head.substr(0, head.find('='));
        if (head != from) node(from).document = "{\"x\":" + head.substr(from.size() + 1) + "}";
        node(from);
        if (arrow == std::string::npos) continue;
        std::istringstream targets{word.substr(arrow + 1)};
        for (std::string to; std::getline(targets, to, ',');) {
            node(to);
            nodes[from].next.push_back(to);
        }
    }
    out.input = nodes["input"];
    for (const std::string& id : order)
        if (id != "input") out.stages.push_back(nodes[id]);
    return out;
}

std::shared_ptr<runtime::Engine> Bench::engine(const std::string& graph_text, std::unique_ptr<runtime::DeadLetterFile> letters,
                                               std::uint64_t max_bytes, std::uint64_t total_bytes) {
    config::PipelineDocument document = graph(graph_text);
    document.queue_max_bytes = max_bytes;
    document.queue_total_bytes = total_bytes;
    PipelineOptions options;
    options.id = "bench";
    auto made = runtime::Engine::create(host->shared(), std::move(document), std::move(options), std::move(letters));
    REQUIRE(made.ok());
    return std::move(*made);
}

bool Bench::logged(const std::string& part) {
    const std::scoped_lock lock{script->mutex};
    for (const std::string& line : log)
        if (line.find(part) != std::string::npos) return true;
    return false;
}

std::string numbered(std::string prefix, std::uint64_t number) {
    return prefix.append(std::to_string(number));
}

Outcome end_of(runtime::Engine& engine) {
    REQUIRE(engine.wait_until(std::chrono::steady_clock::now() + std::chrono::seconds{10}));
    REQUIRE(engine.stop(std::chrono::seconds{5}).ok());
    REQUIRE(engine.outcome().has_value());
    return *engine.outcome();
}

TempDir::TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fluxgate-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored; // a directory that stays behind fails no test
    std::filesystem::remove_all(path, ignored);
}

std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> out;
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);)
        out.push_back(line);
    return out;
}

} // namespace fluxgate::test
