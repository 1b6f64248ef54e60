#include "fluxgate/host.hpp"

#include "runtime/host_shared.hpp"
#include "runtime/stage_context.hpp"
#include "scripted.hpp"

#include "support/catch.hpp"

#include <cstdlib>

using namespace fluxgate;
using namespace fluxgate::test;

namespace {

struct Nobody final : runtime::StageOwner {
    Result<void> dead_letter(runtime::StageContext&, const fg_dead_letter&) override { return {}; }
    void complete(runtime::StageContext&, std::uint64_t, std::int32_t) override {}
    void health_changed() override { ++changes; }
    int changes = 0;
};

} // namespace

TEST_CASE("stage types are listed by name, and a second one of a name is refused") {
    Bench bench;
    const auto types = bench.host->stage_types();
    REQUIRE(types.size() == 3);
    CHECK(types[0].name == "input/script@v1");
    CHECK(types[1].name == "output/script@v1");
    CHECK(types[2].kind == FG_KIND_PROCESSOR);
    static const fg_stage_type again = stage::stage_type(FG_KIND_OUTPUT, "output/script@v1", "2.0.0", "", nullptr);
    CHECK_FALSE(bench.host->register_type(&again).ok());
    CHECK_FALSE(bench.host->register_type(nullptr).ok());
}

TEST_CASE("a resolved secret never appears in a log line, a metric, a health text or an error") {
    Bench bench;
    ::setenv("FLUXGATE_TEST_TOKEN", "hunter2-hunter2", 1);
    Nobody nobody;
    runtime::StageContext context{bench.host->shared(), nobody, "pipe", "stage", 3};
    const stage::Host host{context.table()};
    {
        auto secret = host.secret("FLUXGATE_TEST_TOKEN");
        REQUIRE(secret.ok());
        CHECK(secret->value() == "hunter2-hunter2");
    }
    host.log(FG_LOG_INFO, "e", "Authorization: Token hunter2-hunter2", {{"header", "Token hunter2-hunter2"}});
    host.count("rows", 1, {{"token", "hunter2-hunter2"}});
    host.set_health(FG_HEALTH_RETRYING, "auth", "refused hunter2-hunter2");
    CHECK(bench.logged("Token *** pipeline=pipe stage=stage partition=3 header=Token ***"));
    CHECK_FALSE(bench.logged("hunter2"));
    for (const MetricSample& sample : bench.host->metrics())
        for (const auto& [name, value] : sample.labels)
            CHECK(value.find("hunter2") == std::string::npos);
    CHECK(context.health().text == "refused ***");
    CHECK(bench.host->shared()->redacted({Errc::http, "x hunter2-hunter2", "hunter2-hunter2"}).text().find("hunter2") == std::string::npos);
    ::unsetenv("FLUXGATE_TEST_TOKEN");
}

TEST_CASE("health keeps when its level began, and tells of changes only") {
    std::int64_t now = 100;
    HostOptions options;
    options.wall_ns = [&now] { return now; };
    Host host{std::move(options)};
    Nobody nobody;
    runtime::StageContext context{host.shared(), nobody, "p", "s", std::nullopt};
    const stage::Host services{context.table()};
    services.set_health(FG_HEALTH_RETRYING, "connect", "refused");
    now = 200;
    services.set_health(FG_HEALTH_RETRYING, "connect", "refused");
    services.set_health(FG_HEALTH_RETRYING, "connect", "timed out");
    CHECK(context.health().since_wall_ns == 100);
    CHECK(nobody.changes == 2);
    services.set_health(FG_HEALTH_OK, "", "");
    CHECK(context.health().since_wall_ns == 200);
    context.table()->set_health(context.table()->context, 17, {}, {});
    CHECK(context.health().level == FG_HEALTH_OK);
}

TEST_CASE("state is answered with a clear error as long as a run has none") {
    Host host;
    Nobody nobody;
    runtime::StageContext context{host.shared(), nobody, "p", "s", std::nullopt};
    fg_blob blob{};
    stage::ErrorSlot error;
    CHECK(context.table()->state_get(context.table()->context, stage::to_text("cursor"), &blob, error.get()) == FG_ERR_STATE);
    CHECK(error.take(FG_ERR_STATE).message.find("no directory for state") != std::string::npos);
}
