#include "troubles.hpp"

#include "runner.hpp"
#include "sample_server/certificates.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/raw_server.hpp"

#include <chrono>
#include <filesystem>

namespace fluxgate::test {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

// The sample document, which gives up at the first failure.
std::string document(std::uint16_t port) {
    return replaced(original_document(port), "{", R"({"retry": {"type": "none"},)");
}

std::string incremental(std::uint16_t port) {
    return R"json({"displayName": "plant", "type": "input/influxdbv2@v1", "url": "http://127.0.0.1", "organization": "test-org", "interval": "100ms",
  "format": {"type": "json"}, "authentication": {"type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN"},
  "read": {"bucket": "plant", "measurements": ["machine"]}, "incremental": {"start": "-2m", "delay": "0s", "window": "10s"}, "port": )json" +
           std::to_string(port) + "}";
}

Finished once(const std::string& text, const std::vector<std::string>& more = {}) {
    const TempDirectory directory;
    std::vector<std::string> arguments{"run", directory.write("plant.json", text), "--once", "--state", directory.path() + "/state"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_fluxgate(arguments, directory.path());
}

Finished once_with_fault(const std::string& fault, const std::string& more = {}) {
    sample::ServerOptions options;
    options.faults = {*sample::parse_fault(fault)};
    const auto server = start_server(std::move(options));
    return once(replaced(document(server->port()), "{", "{" + more));
}

// A server that says this to everything.
Finished once_answered(const std::string& answer) {
    const RawServer server{Reply{answer.empty() ? std::vector<std::string>{} : std::vector<std::string>{answer}}};
    return once(document(server.port()));
}

Finished once_changed(const std::string& from, const std::string& to) {
    const auto server = start_server();
    return once(replaced(document(server->port()), from, to));
}

Finished without_secret() {
    return once_changed("AKV_ACCESS_TOKEN", "ANOTHER_NAME");
}

Finished with_wrong_token() {
    const auto server = start_server();
    const TempDirectory directory;
    return run_program(program, {"run", directory.write("plant.json", document(server->port())), "--once"},
                       {{"AKV_ACCESS_TOKEN", "wrong-token-0123456789"}}, directory.path());
}

Finished nobody_listening() {
    std::uint16_t port = start_server()->port(); // it is gone again
    return once(document(port));
}

// The certificate's authority is unknown, or the document speaks http to the port of https.
Finished once_to_https(const std::string& scheme) {
    const TempDirectory directory;
    const auto files = sample::ensure_certificates(directory.path());
    REQUIRE(files.ok());
    sample::ServerOptions options;
    options.cert_file = directory.path() + "/server.pem";
    options.key_file = directory.path() + "/server.key";
    const auto server = start_server(std::move(options));
    return once(replaced(document(server->port()), "http://", scheme));
}

Finished broken_plugin() {
    const TempDirectory directory;
    directory.write("fluxgate_stage_broken.so", "no library");
    return run_fluxgate({"stages", "--stage-path", directory.path()});
}

Finished to_a_full_disk() {
    const auto server = start_server();
    const TempDirectory directory;
    const std::string file = directory.write("plant.json", document(server->port()));
    return run_program("/bin/sh", {"-c", program + " run " + file + " --once > /dev/full"}, {{"AKV_ACCESS_TOKEN", token}}, directory.path());
}

// A run that goes on, with its state, while something is done to it.
Finished while_it_runs(const std::string& text, const std::function<void(Process&, const TempDirectory&)>& happens, const std::string& awaited) {
    const TempDirectory directory;
    const auto process = start_fluxgate(
        {"run", directory.write("plant.json", text), "--state", directory.path() + "/state", "--dead-letter", directory.path() + "/letters"},
        directory.path());
    REQUIRE(process->until_output(1, 20s));
    happens(*process, directory);
    if (!awaited.empty()) {
        process->until_error(awaited, 20s);
        process->signal(SIGTERM);
    }
    return process->wait(30s);
}

Finished state_in_use() {
    const auto server = start_server();
    Finished second;
    while_it_runs(
        incremental(server->port()),
        [&](Process& first, const TempDirectory& directory) {
            second = run_fluxgate({"run", directory.path() + "/plant.json", "--once", "--state", directory.path() + "/state"}, directory.path());
            first.signal(SIGTERM);
        },
        "");
    return second;
}

Finished state_damaged() {
    const auto server = start_server();
    const TempDirectory directory;
    fs::create_directory(directory.path() + "/state");
    fs::permissions(directory.path() + "/state", fs::perms::owner_all);
    directory.write("state/plant.db", std::string(8192, 'x'));
    return run_fluxgate({"run", directory.write("plant.json", incremental(server->port())), "--once", "--state", directory.path() + "/state"},
                        directory.path());
}

Finished state_removed() {
    const auto server = start_server();
    return while_it_runs(
        incremental(server->port()), [](Process&, const TempDirectory& directory) { fs::remove_all(directory.path() + "/state"); },
        "was removed or replaced");
}

Finished no_room_for_dead_letters() {
    const auto server = start_server();
    const std::string strategy = R"("partitionStrategy": { "type": "id", "expression": )";
    return once(replaced(document(server->port()), strategy + "\"0\"", strategy + "\"7\""), {"--dead-letter", "/dev/full"});
}

Finished refused_reload() {
    const auto server = start_server();
    const std::string good = replaced(original_document(server->port()), "\"5s\"", "\"100ms\"");
    return while_it_runs(
        good,
        [&](Process& process, const TempDirectory& directory) {
            directory.write("plant.json", replaced(good, "100ms", "soon"));
            process.signal(SIGHUP);
        },
        "the old one goes on");
}

Finished closed_output() {
    const auto server = start_server();
    return while_it_runs(
        replaced(original_document(server->port()), "\"5s\"", "\"1ms\""), [](Process& process, const TempDirectory&) { process.close_output(); }, "");
}

Finished faulty_document() {
    const TempDirectory directory;
    return run_fluxgate({"run", directory.write("plant.json", replaced(document(1), "partitionCount", "partitonCount"))});
}

std::string refusal(const std::string& status, const std::string& body) {
    return "HTTP/1.1 " + status +
           "\r\nX-Influxdb-Version: v2.7.1\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string damaged =
    "#datatype,string,long,double\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n,,0,1,2,3,4\r\n\r\n";

} // namespace

std::vector<Trouble> troubles() {
    return {
        {"`error at /...`, exit 2", "error at /...", faulty_document},
        {"`there is no stage type ...`", "there is no stage type ...", [] { return once_changed("input/influxdbv2@v1", "input/influxdb@v1"); }},
        {"`plugin.refused`", "plugin.refused", broken_plugin},
        {"`the secret \"X\" ...`", "the secret \"X\" ...", without_secret},
        {"`HTTP 401`", "HTTP 401", with_wrong_token},
        {"`HTTP 403`", "HTTP 403",
         [] { return once_answered(refusal("403 Forbidden", R"({"code":"forbidden","message":"insufficient permissions"})")); }},
        {"`HTTP 404`", "HTTP 404", [] { return once_changed("test-bucket", "no-bucket"); }},
        {"`HTTP 400`", "HTTP 400", [] { return once_changed("|> range(start: -1h)", "|> nonsense(a: 1)"); }},
        {"`HTTP 405`, `HTTP 501`", "HTTP 405", [] { return once_answered(refusal("405 Method Not Allowed", "{}")); }},
        {"`HTTP 405`, `HTTP 501`", "HTTP 501", [] { return once_answered(refusal("501 Not Implemented", "<h1>no</h1>")); }},
        {"`no connection to ...`", "no connection to ...", nobody_listening},
        {"`the host name of ...`", "the host name of ...", [] { return once_changed("127.0.0.1", "influx.plant.invalid"); }},
        {"`certificate` in the text", "certificate", [] { return once_to_https("https://"); }},
        {"`HTTP 429`, `HTTP 5xx`", "HTTP 429", [] { return once_with_fault("status=429"); }},
        {"`HTTP 429`, `HTTP 5xx`", "HTTP 5xx", [] { return once_with_fault("status=503"); }},
        {"`closed the connection without ...`", "closed the connection without ...", [] { return once_to_https("http://"); }},
        {"`in the middle of the answer`", "in the middle of the answer", [] { return once_with_fault("cut-after=5000"); }},
        {"`is not complete`, `cannot be used`", "is not complete", [] { return once_with_fault("gzip-no-trailer", R"("compression": "gzip",)"); }},
        {"`is not complete`, `cannot be used`", "cannot be used",
         [] {
             return once_answered("HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: " + std::to_string(damaged.size()) + "\r\n\r\n" +
                                  damaged);
         }},
        {"`No space left on device`", "No space left on device", to_a_full_disk},
        {"`the state is in use by process ...`", "the state is in use by process ...", state_in_use},
        {"`the state '...' cannot be used`", "the state '...' cannot be used", state_damaged},
        {"`... was removed or replaced`", "... was removed or replaced", state_removed},
        {"`the dead-letter file ...`", "the dead-letter file ...", no_room_for_dead_letters},
        {"`reload.refused`", "reload.refused", refused_reload},
        {"`output.closed`, exit 0", "output.closed", closed_output},
    };
}

} // namespace fluxgate::test
