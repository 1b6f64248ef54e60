#include "poll/machine.hpp"
#include "support/catch.hpp"

#include <fstream>
#include <iterator>
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
    }
    return '?';
}

Error answered(int status, std::string text) {
    Error error{Errc::http_status, "the server refused the request", std::move(text)};
    error.http_status = status;
    return error;
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
        {400, "runtime error @1:141-1:187: map: failed to evaluate map function: cannot convert string \"plain\" to int", 'p'},
        {400, "cannot represent the type duration as column data", 'p'},
        {400, "option \"v\" reassigned", 'p'},
        {400, "", 'p'},
        // 2.9 under load
        {400, "queue length exceeded", 'r'},
        {400, "Queue length exceeded", 'r'},
        {400, "runtime error @1:8-1:20: sort: memory allocation limit reached: limit 1000 bytes", 'r'},
        {400, "runtime error @1:8-1:20: map: pump shutdown seen", 'p'},
        {400, "query controller is shutting down", 'r'},
        // 1.8: the text alone tells
        {500, "loc 1:1-1:6: expected RPAREN, got EOF", 'p'},
        {500, "loc 12:1-12:6: expected RPAREN, got EOF", 'p'},
        {500, "failed to initialize execute state: no database", 'p'},
        {500, "error @1:1-1:6: undefined identifier x", 'p'},
        {500, "compilation failed: loc 1:2", 'p'},
        {401, "authorization failed", 'p'},
        {403, "Flux query service disabled.", 'p'},
        // in general
        {500, "internal error", 'r'},
        {500, "", 'r'},
        {502, "<html>Bad Gateway</html>", 'r'},
        {503, "error @1:1 in a proxy's page", 'r'},
        {504, "", 'r'},
        {501, "", 'p'},
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
        {Errc::query, false, "runtime error @1:2-1:9: map: cannot convert", 'p'},
        {Errc::query, false, "runtime error: memory allocation limit reached", 'r'},
        {Errc::query, false, "context deadline exceeded", 'r'},
        {Errc::query, false, "schema collision: cannot group integer and float types together", 'p'},
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

TEST_CASE("recorded error answers are classified by their own status and message") {
    const std::vector<Recorded> rows{
        {"influxd-2.7/error-bucket", 404, "could not find bucket", 'p'},
        {"influxd-2.7/error-compile", 400, "compilation failed", 'p'},
        {"influxd-2.7/error-no-token", 401, "unauthorized access", 'p'},
        {"influxd-2.7/error-path", 404, "no assets included", 'p'},
        {"influxd-2.7/error-runtime-at-start", 400, "runtime error @", 'p'},
        {"influxdb-1.8/flux-error", 500, "loc 1:1-1:6", 'p'},
        {"influxdb-1.8/flux-error-db", 500, "no database", 'p'},
        {"influxd-2.9-faults/queue-full", 400, "queue length exceeded", 'r'},
    };
    for (const Recorded& row : rows) {
        INFO(row.file);
        std::ifstream in{std::string{FLUXGATE_TEST_DATA} + "/recordings/" + row.file + ".response", std::ios::binary};
        REQUIRE(in.good());
        const std::string raw{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
        REQUIRE(raw.size() > 12);
        const std::size_t body = raw.find("\r\n\r\n");
        REQUIRE(body != std::string::npos);
        const std::string text = raw.substr(body + 4);
        CHECK(text.find(row.text) != std::string::npos);
        CHECK(std::stoi(raw.substr(9, 3)) == row.status);
        CHECK(of(classify(answered(row.status, text))) == row.expected);
    }
}
