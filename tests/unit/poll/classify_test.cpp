#include "poll/machine.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::poll;

namespace {

// One character a class, so that a failed check shows both.
char of(const Trouble& trouble) {
    switch (trouble.kind) {
    case TroubleClass::retry_soon: return 'r';
    case TroubleClass::needs_person: return 'p';
    case TroubleClass::configuration: return 'c';
    case TroubleClass::retry_at_interval: return 'i';
    }
    return '?';
}

Error answered(int status, std::string text) {
    Error error{Errc::http_status, "the server refused the request", std::move(text)};
    error.http_status = status;
    return error;
}

std::string recordings() {
    return std::string{FLUXGATE_TEST_DATA} + "/recordings/";
}

std::string read_file(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    INFO(path);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

struct Recorded {
    const char* file;
    int status;
    const char* text;
    char expected;
};

} // namespace

TEST_CASE("the class of every error answer that a server was seen to give, and of those that proxies give") {
    struct Row {
        int status;
        std::string text;
        char expected;
    };
    const std::vector<Row> rows{
        // 2.7
        {401, "unauthorized access", 'p'},
        {404, "failed to initialize execute state: could not find bucket \"nope\"", 'p'},
        {404, "no assets included in binary", 'p'},
        {405, "allow: OPTIONS, POST", 'p'},
        {400, "compilation failed: error @1:1-1:30: expected RPAREN, got EOF", 'p'},
        {400, "error @1:9-1:12: expected int but found string", 'p'},
        {400, "error @1:38-1:39: undefined identifier v", 'p'},
        {400, "failed to decode request body: organization name \"nope\" not found", 'p'},
        {400, "error in building plan while starting program: cannot submit unbounded read to \"plant\"", 'p'},
        {400, "runtime error @1:141-1:187: map: failed to evaluate map function: cannot convert string \"plain\" to int", 'i'},
        {400, "cannot represent the type duration as column data", 'p'},
        {400, "option \"v\" reassigned", 'p'},
        {400, "", 'p'},
        // 2.9 under load
        {400, "queue length exceeded", 'r'},
        {400, "Queue length exceeded", 'r'},
        {400, "runtime error @1:8-1:20: sort: memory allocation limit reached: limit 1000 bytes", 'r'},
        {400, "runtime error @1:8-1:20: map: pump shutdown seen", 'i'},
        {400, "query controller is shutting down", 'r'},
        // 1.8: the text alone tells
        {500, "loc 1:1-1:6: expected RPAREN, got EOF", 'p'},
        {500, "loc 12:1-12:6: expected RPAREN, got EOF", 'p'},
        {500, "failed to initialize execute state: no database", 'p'},
        {500, "error @1:1-1:6: undefined identifier x", 'p'},
        {500, "compilation failed: loc 1:2", 'p'},
        {500, "error calling function \"range\" @1:8-1:20: error @1:8", 'p'},
        {500, "runtime error @1:8-1:20: map: failed to evaluate map function: division by zero", 'i'},
        {500, "queue length exceeded", 'r'},
        {500, "runtime error @1:8-1:20: memory allocation limit reached: limit 1000 bytes", 'r'},
        {401, "authorization failed", 'p'},
        {403, "Flux query service disabled.", 'p'},
        // in general
        {500, "internal error", 'r'},
        {500, "", 'r'},
        {502, "<html>Bad Gateway</html>", 'r'},
        {503, "error @1:1 in a proxy's page", 'r'},
        {504, "", 'r'},
        {501, "", 'p'},
        {505, "", 'p'},
        {507, "", 'r'},
        {520, "a proxy's own number", 'r'},
        {425, "", 'r'},
        {422, "queue length exceeded", 'r'},
        {422, "cannot be processed", 'p'},
        {407, "Proxy Authentication Required", 'p'},
        {410, "", 'p'},
        {408, "", 'r'},
        {429, "", 'r'},
        {499, "", 'r'},
        {413, "", 'p'},
        {301, "", 'p'},
        {307, "", 'p'},
        {403, "", 'p'},
    };
    for (const Row& row : rows) {
        INFO(row.status << " " << row.text);
        CHECK(of(classify(answered(row.status, row.text))) == row.expected);
    }
}

TEST_CASE("the class of every code, and what makes an error table or a TLS failure the one or the other") {
    struct Row {
        Errc code;
        bool retryable;
        std::string server_text;
        char expected;
    };
    const std::vector<Row> rows{
        {Errc::resolve, true, "", 'r'},
        {Errc::connect, true, "", 'r'},
        {Errc::timeout, true, "", 'r'},
        {Errc::http, true, "", 'r'},
        {Errc::incomplete, true, "", 'r'},
        {Errc::corrupt, false, "", 'r'},
        {Errc::tls, true, "", 'r'},
        {Errc::tls, false, "", 'p'},
        {Errc::secret, false, "", 'p'},
        {Errc::invalid_argument, false, "", 'p'},
        {Errc::limit, false, "", 'p'},
        {Errc::internal, false, "", 'p'},
        {Errc::query, false, "runtime error @1:2-1:9: map: cannot convert", 'i'},
        {Errc::query, false, "runtime error: memory allocation limit reached", 'r'},
        {Errc::query, false, "context deadline exceeded", 'r'},
        {Errc::query, false, "schema collision: cannot group integer and float types together", 'i'},
        {Errc::query, false, "", 'i'},
        {Errc::configuration, false, "", 'c'},
        {Errc::jq, false, "", 'c'},
    };
    for (const Row& row : rows) {
        Error error{row.code, "what we say", row.server_text};
        error.retryable = row.retryable;
        INFO(message_of(row.code) << " '" << row.server_text << "' retryable " << row.retryable);
        CHECK(of(classify(error)) == row.expected);
    }
}

TEST_CASE("Retry-After passes through the classification") {
    const Trouble trouble = classify(answered(429, ""), std::chrono::seconds{9});
    REQUIRE(trouble.retry_after.has_value());
    CHECK(*trouble.retry_after == std::chrono::seconds{9});
    CHECK(!classify(answered(429, "")).retry_after.has_value());
}

TEST_CASE("every recorded answer of status 400 or above has its class, and none is left out") {
    const std::vector<Recorded> rows{
        {"influxd-2.7/dialect-bad", 400, "unknown dialect annotation type", 'p'},
        {"influxd-2.7/error-body", 400, "failed parsing request body as JSON", 'p'},
        {"influxd-2.7/error-bucket", 404, "could not find bucket", 'p'},
        {"influxd-2.7/error-compile", 400, "compilation failed", 'p'},
        {"influxd-2.7/error-double-escaped", 400, "compilation failed", 'p'},
        {"influxd-2.7/error-duration-column", 400, "cannot represent the type duration", 'p'},
        {"influxd-2.7/error-empty-body", 400, "EOF", 'p'},
        {"influxd-2.7/error-empty-query", 400, "requires either query or AST", 'p'},
        {"influxd-2.7/error-method", 405, "method not allowed", 'p'},
        {"influxd-2.7/error-no-org", 400, "Please provide either orgID or org", 'p'},
        {"influxd-2.7/error-no-range", 400, "unbounded read", 'p'},
        {"influxd-2.7/error-no-token", 401, "unauthorized access", 'p'},
        {"influxd-2.7/error-org", 400, "organization name", 'p'},
        {"influxd-2.7/error-path", 404, "no assets included", 'p'},
        {"influxd-2.7/error-runtime-at-start", 400, "runtime error @", 'i'},
        {"influxd-2.7/error-runtime-later", 400, "runtime error @", 'i'},
        {"influxd-2.7/error-runtime-later-gzip", 400, "runtime error @", 'i'},
        {"influxd-2.7/error-token", 401, "unauthorized access", 'p'},
        {"influxd-2.7/error-type", 400, "expected int but found string", 'p'},
        {"influxd-2.7/error-undefined", 400, "undefined identifier v", 'p'},
        {"influxd-2.7/extern-and-option", 400, "reassigned", 'p'},
        {"influxd-2.7/params", 400, "undefined identifier params", 'p'},
        {"influxd-2.9-faults/queue-full", 400, "queue length exceeded", 'r'},
        {"influxdb-1.8/flux-error", 500, "loc 1:1-1:6", 'p'},
        {"influxdb-1.8/flux-error-auth", 401, "authorization failed", 'p'},
        {"influxdb-1.8/flux-error-db", 500, "no database", 'p'},
    };
    std::set<std::string> judged;
    for (const Recorded& row : rows) {
        INFO(row.file);
        const std::string raw = read_file(recordings() + row.file + ".response");
        REQUIRE(raw.size() > 12);
        const std::size_t body = raw.find("\r\n\r\n");
        REQUIRE(body != std::string::npos);
        const std::string text = raw.substr(body + 4);
        CHECK(text.find(row.text) != std::string::npos);
        CHECK(std::stoi(raw.substr(9, 3)) == row.status);
        CHECK(of(classify(answered(row.status, text))) == row.expected);
        judged.insert(row.file);
    }
    std::set<std::string> recorded;
    for (const std::string folder : {"influxd-2.7", "influxd-2.9-faults", "influxdb-1.8"}) {
        for (const auto& entry : std::filesystem::directory_iterator{recordings() + folder}) {
            if (entry.path().extension() != ".response") continue;
            const std::string raw = read_file(entry.path().string());
            REQUIRE(raw.size() > 12);
            if (std::stoi(raw.substr(9, 3)) >= 400) recorded.insert(folder + "/" + entry.path().stem().string());
        }
    }
    CHECK(judged == recorded);
}

TEST_CASE("1.8: status 500 is a person's when X-Influxdb-Error tells of a compile error, and a matter of time when it does not") {
    for (const char* name : {"influxdb-1.8/flux-error", "influxdb-1.8/flux-error-db"}) {
        const std::string raw = read_file(recordings() + name + ".response");
        constexpr std::string_view field = "X-Influxdb-Error: ";
        const std::size_t at = raw.find(field);
        REQUIRE(at != std::string::npos);
        const std::size_t begin = at + field.size();
        const std::string words = raw.substr(begin, raw.find("\r\n", begin) - begin);
        INFO(words);
        CHECK(of(classify(answered(500, words))) == 'p');
    }
    CHECK(of(classify(answered(500, "engine: write failed"))) == 'r');
}

TEST_CASE("overload is retried soon under every status in which servers tell of it") {
    for (const int status : {400, 422, 429, 500, 503}) {
        INFO(status);
        CHECK(of(classify(answered(status, "queue length exceeded"))) == 'r');
    }
}

TEST_CASE("a runtime error is tried again at the interval, as what needs a person is, and ends a single run at once") {
    Policy policy;
    policy.interval = std::chrono::seconds{60};
    Trouble trouble;
    trouble.kind = TroubleClass::retry_at_interval;
    Machine machine{policy, [] { return 0.5; }};
    REQUIRE(machine.next(0).kind == Action::Kind::query);
    machine.failed(1000, trouble);
    const Action next = machine.next(1000);
    CHECK(next.kind == Action::Kind::wait);
    CHECK(next.until_ns == 1000 + 60'000'000'000);
    machine.hasten(2000); // a new secret heals no data
    CHECK(machine.next(2000).kind == Action::Kind::wait);

    policy.once = true;
    Machine single{policy, [] { return 0.5; }};
    REQUIRE(single.next(0).kind == Action::Kind::query);
    single.failed(1000, trouble);
    CHECK(single.next(1000).kind == Action::Kind::fail);
}
