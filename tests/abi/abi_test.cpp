#include "fluxgate/pipeline.hpp"
#include "fluxgate/source.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace fluxgate;

extern "C" int fluxgate_layout_is_frozen(void);

namespace {

std::string plugin(const std::string& name) {
    return std::string{FLUXGATE_ABI_PLUGINS} + "/fluxgate_stage_abi_" + name + ".so";
}

std::string document(const std::string& source, const std::string& more = "") {
    return R"({"displayName": "abi", "input": {"displayName": "in", "type": ")" + source + R"(", "next": ["out"])" + more +
           R"(}, "stages": {"out": {"displayName": "out", "type": "output/discard@v1"}}})";
}

Result<Pipeline> pipeline(Host& host, const std::string& source) {
    REQUIRE(host.load_plugin(plugin("good")).ok());
    REQUIRE(host.load_plugin(plugin("throws")).ok());
    return Pipeline::create(host, document(source), {});
}

// The outcome of a pipeline that fails by itself.
Outcome failure_of(const std::string& source) {
    Host host;
    auto made = pipeline(host, source);
    if (!made.ok()) FAIL(made.error().text());
    REQUIRE(made->start().ok());
    REQUIRE(made->wait_for(std::chrono::seconds{10}));
    REQUIRE(made->outcome().has_value());
    return *made->outcome();
}

} // namespace

TEST_CASE("the layout of stage.h is the frozen one") {
    CHECK(fluxgate_layout_is_frozen() == 1);
}

TEST_CASE("a plugin that is older, newer or returns garbage is refused with its file and what is wrong, and registers nothing") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"older", "does not speak ABI version 1.0.0"},
        {"newer", "filled ABI version 2000000"},
        {"unknown_code", "answered -57"},
        {"no_types", "list must not be null"},
        {"too_many", "1 to 256 are allowed"},
        {"null_type", "a stage type is null"},
        {"no_api", "has no table of entries"},
        {"null_entry", "has no entry \"next\", which is required"},
        {"small_table", "has the size 16"},
        {"wrong_kind", "has the kind 9"},
        {"wrong_name", "is not named input/NAME@vNUMBER"},
        {"twice", "is listed twice"},
        {"throws_in_init", "fluxgate_plugin_init threw: out of init"},
    };
    Host host;
    for (const auto& [name, what] : cases) {
        INFO(name);
        const auto loaded = host.load_plugin(plugin(name));
        REQUIRE_FALSE(loaded.ok());
        CHECK(loaded.error().code == Errc::plugin);
        INFO(loaded.error().message);
        CHECK(loaded.error().message.find(plugin(name)) != std::string::npos);
        CHECK(loaded.error().message.find(what) != std::string::npos);
    }
    CHECK(host.stage_types().empty());
}

TEST_CASE("a library without the symbol, a file that is no library and a missing file are refused") {
    Host host;
    const auto no_symbol = host.load_plugin(std::string{FLUXGATE_ABI_PLUGINS} + "/none/fluxgate_stage_abi_no_symbol.so");
    REQUIRE_FALSE(no_symbol.ok());
    CHECK(no_symbol.error().message.find("exports no fluxgate_plugin_init") != std::string::npos);
    const std::string text = std::string{FLUXGATE_ABI_PLUGINS} + "/none/not_a_library.so";
    std::ofstream{text} << "hello";
    const auto not_library = host.load_plugin(text);
    REQUIRE_FALSE(not_library.ok());
    CHECK(not_library.error().message.find(text) != std::string::npos);
    CHECK_FALSE(host.load_plugin("/nonexistent/fluxgate_stage_x.so").ok());
    std::remove(text.c_str());
}

TEST_CASE("tables that are larger than this version knows are used up to what it knows") {
    Host host;
    const auto loaded = host.load_plugin(plugin("larger_tables"));
    CHECK(loaded.ok());
    REQUIRE(host.stage_types().size() == 1);
    CHECK(host.stage_types()[0].name == "input/larger@v1");
    CHECK(host.stage_types()[0].path == plugin("larger_tables"));
}

TEST_CASE("a directory gives every good plugin and one failure for each bad one; loading again changes nothing") {
    std::mutex mutex;
    std::size_t refused = 0;
    HostOptions options;
    options.log = [&](const LogEntry& entry) {
        const std::scoped_lock lock{mutex};
        refused += entry.event == "plugin.refused" ? 1u : 0u;
    };
    Host host{std::move(options)};
    const LoadReport report = host.load_plugins_in(FLUXGATE_ABI_PLUGINS);
    CHECK(report.loaded.size() == 3); // good, larger_tables, throws
    CHECK(report.failures.size() == 13);
    CHECK(refused == 13);
    const std::size_t types = host.stage_types().size();
    CHECK(host.load_plugin(plugin("good")).ok());
    CHECK(host.stage_types().size() == types);
    const LoadReport nowhere = host.load_plugins_in("/nonexistent");
    REQUIRE(nowhere.failures.size() == 1);
    CHECK(nowhere.failures[0].message.find("/nonexistent") != std::string::npos);
}

TEST_CASE("a source that hangs in next until it is cancelled stops at once when asked") {
    Host host;
    auto made = pipeline(host, "input/hang@v1");
    if (!made.ok()) FAIL(made.error().text());
    REQUIRE(made->start().ok());
    CHECK(made->stop(std::chrono::seconds{10}).ok());
    CHECK(made->state() == PipelineState::finished);
    CHECK(made->outcome()->how == Ending::stopped);
}

TEST_CASE("a batch whose spans or partition are wrong is refused before anybody reads it") {
    const Outcome spans = failure_of("input/bad-spans@v1");
    CHECK(spans.how == Ending::failed);
    CHECK(spans.stage == "input");
    CHECK(spans.error->code == Errc::plugin);
    CHECK(spans.error->message.find("message 0 (offset 0, size 200000)") != std::string::npos);
    const Outcome partition = failure_of("input/bad-partition@v1");
    CHECK(partition.error->message.find("partition 77 of 1") != std::string::npos);
}

TEST_CASE("an answer without a meaning is an error that names the entry and the number") {
    const Outcome outcome = failure_of("input/bad-code@v1");
    CHECK(outcome.error->code == Errc::plugin);
    CHECK(outcome.error->message.find("next answered 3") != std::string::npos);
}

TEST_CASE("an exception that crosses the ABI is caught at every entry") {
    const Outcome outcome = failure_of("input/throws@v1");
    CHECK(outcome.how == Ending::failed);
    CHECK(outcome.error->message.find("next threw an exception: out of next") != std::string::npos);

    Host host;
    REQUIRE(host.load_plugin(plugin("good")).ok());
    REQUIRE(host.load_plugin(plugin("throws")).ok());
    const Validation checked = Pipeline::validate(host, document("input/throws@v1", R"(, "x": "throw-in-validate")"));
    CHECK_FALSE(checked.valid);
    CHECK(std::any_of(checked.violations.begin(), checked.violations.end(),
                      [](const Violation& v) { return v.message.find("out of validate") != std::string::npos; }));
}

TEST_CASE("creating a pipeline of a bad document answers every violation with its pointer") {
    Host host;
    auto made = pipeline(host, "input/none@v1");
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == Errc::configuration);
    const std::vector<Violation> violations = violations_of(made.error());
    REQUIRE_FALSE(violations.empty());
    CHECK(violations[0].pointer == "/input/type");
}
