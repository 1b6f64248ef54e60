// What HostOptions permits in documents reaches every door that takes one.
#include "fluxgate/pipeline.hpp"
#include "fluxgate/source.hpp"

#include "runtime/host_shared.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

using namespace fluxgate;

namespace {

std::string seen; // the last document that a source was made from

// A source that ends at once.
class Noting final : public stage::Source {
public:
    static Result<std::unique_ptr<Noting>> create(const stage::Config& config, stage::Host) {
        seen = config.document;
        return std::make_unique<Noting>();
    }
    [[nodiscard]] std::uint32_t partition_count() const override { return 1; }
    Result<stage::Next> next(std::int64_t, fg_batch&) override { return stage::Next::ended; }
    Result<void> acknowledge(std::uint64_t, fg_outcome) override { return {}; }
    void cancel() noexcept override {}
    void wake() noexcept override {}
};

constexpr const char* schema = R"({"type":"object","additionalProperties":false,"properties":{"type":{"type":"string"},"next":{},
    "port":{"type":"integer","default":1},"url":{"type":"string"},"code":{"type":"string","x-code":true}}})";
const fg_stage_type noting = stage::stage_type(FG_KIND_SOURCE, "input/noting@v1", "1.0.0", schema, stage::source_api<Noting>());

Host host_with(HostOptions options) {
    Host host{std::move(options)};
    REQUIRE(host.register_type(&noting).ok());
    return host;
}

HostOptions options() {
    HostOptions out;
    out.comments = true;
    out.variable = [](std::string_view name) { return name == "PORT" ? std::optional<std::string>{"8086"} : std::nullopt; };
    return out;
}

// Opens a source and closes it again; the error's text, or "".
std::string open(Host& host, std::string_view document) {
    std::mutex mutex;
    std::condition_variable came;
    std::deque<std::function<void()>> work;
    bool closed = false;
    SourceOptions settings;
    settings.post = [&](std::function<void()> one) {
        const std::scoped_lock lock{mutex};
        work.push_back(std::move(one));
        came.notify_all();
    };
    settings.on_batch = [](Batch) {};
    settings.on_end = [](const Result<void>&) {};
    settings.on_closed = [&closed] { closed = true; };
    auto source = Source::open(host, document, std::move(settings));
    if (!source.ok()) return stage::violations_json(violations_of(source.error()));
    while (!closed) {
        std::unique_lock lock{mutex};
        if (!came.wait_for(lock, std::chrono::seconds{10}, [&work] { return !work.empty(); })) return "it does not close";
        const auto one = std::move(work.front());
        work.pop_front();
        lock.unlock();
        one();
    }
    return {};
}

} // namespace

TEST_CASE("a source alone takes references and comments when the host permits them, and its stage gets plain JSON") {
    Host host = host_with(options());
    CHECK(open(host, R"({"type":"input/noting@v1", /* c */ "port":"${PORT}","code":"${PORT}",})").empty());
    CHECK(seen == R"({"type":"input/noting@v1","port":8086,"code":"${PORT}"})");
    const std::string missing = open(host, R"({"type":"input/noting@v1","url":"${NOT_SET}","prot":1})");
    CHECK(missing.find("/url") < missing.find("unknown field"));
    CHECK(missing.find("the environment variable NOT_SET is not set") != std::string::npos);

    Host strict = host_with({});
    CHECK(open(strict, R"({"type":"input/noting@v1","url":"${PORT}"})").empty());
    CHECK(seen == R"({"type":"input/noting@v1","url":"${PORT}"})");
    CHECK(open(strict, R"({"type":"input/noting@v1",})").find("are not taken here") != std::string::npos);
}

TEST_CASE("settings of the source from elsewhere reach a source alone too, with a warning") {
    HostOptions with_patch = options();
    with_patch.source = SourcePatch{"the relationship \"db\"", "input/noting@v1", R"({"url":"http://${x}"})"};
    Host host = host_with(std::move(with_patch));
    CHECK(open(host, R"({"type":"input/noting@v1","url":"${NOT_SET}"})").empty());
    CHECK(seen == R"({"type":"input/noting@v1","url":"http://${x}"})");
}

TEST_CASE("a program's own secret comes before directory and environment, and no log line shows it") {
    HostOptions own = options();
    std::string logged;
    own.log = [&logged](const LogEntry& entry) { logged += std::string{entry.message} + "\n"; };
    own.secret = [](std::string_view name) { return name == "relationship.db" ? std::optional<std::string>{"hunter2-hunter2"} : std::nullopt; };
    Host host{std::move(own)};
    const auto secret = host.shared()->resolve_secret("relationship.db");
    REQUIRE(secret.ok());
    CHECK(*secret == "hunter2-hunter2");
    host.log(LogLevel::info, "e", "Token hunter2-hunter2");
    CHECK(logged == "Token ***\n");
    CHECK_FALSE(host.shared()->resolve_secret("relationship.other").ok());
}

TEST_CASE("a document that cannot be explained is an error with its violations") {
    Host host = host_with(options());
    const auto wrong = Pipeline::explain(host, R"({"type":"input/noting@v1","port":"${NOT_SET}"})");
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().code == Errc::configuration);
    const std::vector<Violation> found = violations_of(wrong.error());
    CHECK(std::any_of(found.begin(), found.end(), [](const Violation& v) { return v.pointer == "/port"; }));
}
