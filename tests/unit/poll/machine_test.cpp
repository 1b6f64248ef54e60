#include "poll/machine.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::poll;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 77 * kSecond;

Trouble soon(std::optional<Nanoseconds> retry_after = std::nullopt) {
    return {TroubleClass::retry_soon, retry_after};
}
Trouble person() {
    return {TroubleClass::needs_person, std::nullopt};
}

Policy every(Nanoseconds interval) {
    Policy policy;
    policy.interval = interval;
    return policy;
}

double half() {
    return 0.5;
}
double almost_one() {
    return 0.999999999;
}

std::uint64_t seed() {
    const char* const given = std::getenv("FLUXGATE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// Moves an imaginary clock to the next query and answers its instant.
std::int64_t to_query(Machine& machine, std::int64_t& now) {
    Action action = machine.next(now);
    if (action.kind == Action::Kind::wait) {
        REQUIRE(action.until_ns > now);
        CHECK(machine.next(action.until_ns - 1).kind == Action::Kind::wait);
        now = action.until_ns;
        action = machine.next(now);
    }
    REQUIRE(action.kind == Action::Kind::query);
    return now;
}

} // namespace

TEST_CASE("the first query starts at once, whatever the clock says") {
    Machine machine{every(5s), half};
    CHECK(machine.next(-kSecond).kind == Action::Kind::query);
}

TEST_CASE("a day of slow answers: each query starts one interval after the previous result ended, never two at once") {
    Machine machine{every(5s), half};
    std::int64_t now = kStart;
    std::int64_t ended = 0;
    int queries = 0;
    for (std::int64_t took = kSecond / 3; now < kStart + 24 * 3600 * kSecond; took = took * 7 % (40 * kSecond) + 1, ++queries) {
        const std::int64_t began = to_query(machine, now);
        if (queries > 0) CHECK(began == ended + 5 * kSecond);
        // While it runs, however long, nothing else is asked for.
        for (int i = 1; i <= 3; ++i)
            CHECK(machine.next(began + took * i / 3).kind == Action::Kind::wait);
        now += took;
        machine.succeeded(now);
        ended = now;
        CHECK(machine.next(now).kind == Action::Kind::wait);
        CHECK(machine.next(now).until_ns == ended + 5 * kSecond);
    }
    CHECK(queries > 2000);
}

TEST_CASE("events that no query asked for change nothing") {
    Machine machine{every(5s), half};
    machine.succeeded(kStart);
    machine.failed(kStart, soon());
    CHECK(machine.failures() == 0);
    CHECK(machine.next(kStart).kind == Action::Kind::query);
}

TEST_CASE("exponential back-off doubles its bound up to max, jitter fills [0, bound), a success resets it") {
    const std::uint64_t s = seed();
    INFO("FLUXGATE_SEED=" << s);
    std::mt19937_64 random{s};
    std::uniform_real_distribution<double> uniform{0.0, 1.0};
    Policy policy = every(5s);
    policy.initial = 500ms;
    policy.max = 60s;
    Machine machine{policy, [&] { return uniform(random); }};
    std::int64_t now = kStart;
    for (int round = 0; round < 200; ++round) {
        std::int64_t bound = 500'000'000;
        for (std::uint32_t n = 1; n <= 12; ++n) {
            REQUIRE(machine.next(now).kind == Action::Kind::query);
            machine.failed(now, soon());
            CHECK(machine.failures() == n);
            const Action action = machine.next(now);
            const std::int64_t delay = action.kind == Action::Kind::wait ? action.until_ns - now : 0;
            CHECK(delay >= 0);
            CHECK(delay < bound);
            if (action.kind == Action::Kind::query) {
                machine.failed(now, soon());
                break;
            }
            now = action.until_ns;
            bound = std::min<std::int64_t>(bound * 2, 60 * kSecond);
        }
        while (machine.next(now).kind == Action::Kind::wait)
            now = machine.next(now).until_ns;
        machine.succeeded(now);
        CHECK(machine.failures() == 0);
        now += 5 * kSecond;
    }
}

TEST_CASE("the jitter's bounds are exact: 0 tries at once, just below 1 waits almost the whole bound") {
    Policy policy = every(1h);
    Machine none{policy, [] { return 0.0; }};
    REQUIRE(none.next(0).kind == Action::Kind::query);
    none.failed(0, soon());
    CHECK(none.next(0).kind == Action::Kind::query);

    Machine most{policy, almost_one};
    std::int64_t now = 0;
    for (const std::int64_t bound : {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000}) {
        REQUIRE(most.next(now).kind == Action::Kind::query);
        most.failed(now, soon());
        const std::int64_t delay = most.next(now).until_ns - now;
        CHECK(delay < bound * 1'000'000);
        CHECK(delay > bound * 1'000'000 - 1000);
        now += delay;
    }
}

TEST_CASE("Retry-After is a lower bound that is honoured in full, also beyond max; a longer back-off stands") {
    Machine machine{every(5s), half};
    std::int64_t now = kStart;
    REQUIRE(machine.next(now).kind == Action::Kind::query);
    machine.failed(now, soon(Nanoseconds{3600s}));
    CHECK(machine.next(now).until_ns == now + 3600 * kSecond);
    now += 3600 * kSecond;
    REQUIRE(machine.next(now).kind == Action::Kind::query);
    machine.failed(now, soon(Nanoseconds{1ms}));
    CHECK(machine.next(now).until_ns == now + 500'000'000); // half of the second bound, 1 s
}

TEST_CASE("fixed back-off waits `initial` each time") {
    Policy policy = every(5s);
    policy.retry = RetryType::fixed;
    policy.initial = 2s;
    Machine machine{policy, half};
    std::int64_t now = kStart;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(machine.next(now).kind == Action::Kind::query);
        machine.failed(now, soon());
        CHECK(machine.next(now).until_ns == now + 2 * kSecond);
        now += 2 * kSecond;
    }
}

TEST_CASE("retry type none ends the stage with an error at the first failure") {
    Policy policy = every(5s);
    policy.retry = RetryType::none;
    Machine machine{policy, half};
    REQUIRE(machine.next(0).kind == Action::Kind::query);
    machine.succeeded(0);
    REQUIRE(machine.next(5 * kSecond).kind == Action::Kind::query);
    machine.failed(5 * kSecond, soon());
    CHECK(machine.next(5 * kSecond).kind == Action::Kind::fail);
    CHECK(machine.next(500 * kSecond).kind == Action::Kind::fail);
}

TEST_CASE("without maxRetries weeks of failures do not end the stage") {
    Machine machine{every(5s), almost_one};
    std::int64_t now = kStart;
    while (now < kStart + 14 * 86400 * kSecond) {
        to_query(machine, now);
        machine.failed(now, soon());
    }
    CHECK(machine.failures() > 20000);
}

TEST_CASE("maxRetries counts retries since the last success: the try after the last one is an error") {
    for (const std::uint32_t retries : {0u, 1u, 3u}) {
        Policy policy = every(5s);
        policy.max_retries = retries;
        Machine machine{policy, half};
        std::int64_t now = kStart;
        to_query(machine, now);
        machine.succeeded(now);
        for (std::uint32_t i = 0; i <= retries; ++i) {
            to_query(machine, now);
            machine.failed(now, soon());
        }
        INFO("maxRetries " << retries);
        CHECK(machine.failures() == retries + 1);
        CHECK(machine.next(now).kind == Action::Kind::fail);
    }
}

TEST_CASE("trouble that needs a person is tried after the interval, at most every 5 seconds and at least every 5 minutes") {
    struct Row {
        Nanoseconds interval;
        std::int64_t delay;
    };
    for (const Row& row :
         std::vector<Row>{{100ms, 5 * kSecond}, {5s, 5 * kSecond}, {30s, 30 * kSecond}, {5min, 300 * kSecond}, {24h, 300 * kSecond}}) {
        Machine machine{every(row.interval), half};
        std::int64_t now = kStart;
        for (int i = 0; i < 3; ++i) {
            REQUIRE(machine.next(now).kind == Action::Kind::query);
            machine.failed(now, person());
            CHECK(machine.next(now).until_ns == now + row.delay);
            now += row.delay;
        }
    }
}

TEST_CASE("a changed secret makes the next try due at once, but only while a person is waited for") {
    Machine machine{every(1h), half};
    machine.hasten(0);
    REQUIRE(machine.next(0).kind == Action::Kind::query);
    machine.hasten(1);
    CHECK(machine.next(1).kind == Action::Kind::wait);
    machine.failed(10, person());
    REQUIRE(machine.next(11).kind == Action::Kind::wait);
    machine.hasten(11);
    CHECK(machine.next(11).kind == Action::Kind::query);
    machine.succeeded(20);
    machine.hasten(21);
    CHECK(machine.next(21).kind == Action::Kind::wait);
}

TEST_CASE("trouble of configuration ends the stage at once") {
    Machine machine{every(5s), half};
    REQUIRE(machine.next(0).kind == Action::Kind::query);
    machine.failed(0, {TroubleClass::configuration, std::nullopt});
    CHECK(machine.next(kSecond).kind == Action::Kind::fail);
}

TEST_CASE("once: a success ends, also after failures") {
    Policy policy = every(5s);
    policy.once = true;
    Machine machine{policy, half};
    std::int64_t now = kStart;
    for (int i = 0; i < 4; ++i) {
        to_query(machine, now);
        machine.failed(now, soon());
    }
    to_query(machine, now);
    machine.succeeded(now);
    CHECK(machine.next(now).kind == Action::Kind::end);
    CHECK(machine.next(now + 3600 * kSecond).kind == Action::Kind::end);
}

TEST_CASE("once: five failed tries, fewer if maxRetries says so, and one that needs a person, are an error") {
    struct Row {
        std::optional<std::uint32_t> retries;
        int tries;
    };
    for (const Row& row : std::vector<Row>{{std::nullopt, 5}, {100u, 5}, {4u, 5}, {2u, 3}, {0u, 1}, {UINT32_MAX, 5}}) {
        Policy policy = every(5s);
        policy.once = true;
        policy.max_retries = row.retries;
        Machine machine{policy, half};
        std::int64_t now = kStart;
        for (int i = 0; i < row.tries; ++i) {
            to_query(machine, now);
            machine.failed(now, soon());
        }
        CHECK(machine.next(now).kind == Action::Kind::fail);
    }
    Policy policy = every(5s);
    policy.once = true;
    Machine machine{policy, half};
    REQUIRE(machine.next(0).kind == Action::Kind::query);
    machine.failed(0, person());
    CHECK(machine.next(0).kind == Action::Kind::fail);
}

TEST_CASE("instants at the end of the clock's range do not overflow") {
    Machine machine{every(std::chrono::hours{24 * 365}), half};
    const std::int64_t late = INT64_MAX - 10;
    REQUIRE(machine.next(late).kind == Action::Kind::query);
    machine.succeeded(late);
    const Action action = machine.next(late);
    CHECK(action.kind == Action::Kind::wait);
    CHECK(action.until_ns == INT64_MAX);
}
