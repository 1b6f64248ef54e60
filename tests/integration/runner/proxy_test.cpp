// A run behind a proxy that the environment names.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/raw_server.hpp"

using namespace fluxgate;
using test::Reply;

namespace {

const std::string body = "#datatype,string,long,string\r\n#group,false,false,true\r\n#default,_result,,\r\n,result,table,host\r\n,,0,a\r\n\r\n";
const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;

Reply tunnel(const std::string& request, int) {
    return {{request.starts_with("CONNECT ") ? std::string{"HTTP/1.1 200 OK\r\n\r\n"} : answer}, Reply::End::keep};
}

// The sample document for a server whose name only the proxy can look up.
std::string document_of_a_distant_server() {
    std::string document = test::original_document(8086);
    const std::string here = "http://127.0.0.1";
    return document.replace(document.find(here), here.size(), "http://influx.plant.invalid");
}

test::Finished run_with(const std::map<std::string, std::string>& proxy, const test::TempDirectory& directory) {
    std::map<std::string, std::string> environment{{"AKV_ACCESS_TOKEN", test::token}};
    environment.insert(proxy.begin(), proxy.end());
    std::string document = document_of_a_distant_server();
    document.insert(1, R"("retry":{"type":"fixed","initial":"1ms","maxRetries":0},)");
    return test::run_program(FLUXGATE_BINARY_DIR "/bin/fluxgate", {"run", directory.write("distant.json", document), "--once"}, environment,
                             directory.path());
}

} // namespace

TEST_CASE("HTTP_PROXY leads a run through the proxy, which alone looks up the server's name, and a token on plain HTTP is warned of") {
    test::RawServer proxy{tunnel};
    const test::TempDirectory directory;
    const test::Finished f = run_with({{"HTTP_PROXY", "http://127.0.0.1:" + std::to_string(proxy.port())}}, directory);
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(f.out.find(R"("payload":{"host":"a"}})") != std::string::npos);
    REQUIRE(proxy.requests().size() == 2);
    CHECK(proxy.requests()[0].starts_with("CONNECT influx.plant.invalid:8086 HTTP/1.1\r\n"));
    CHECK(proxy.requests()[0].find(test::token) == std::string::npos);
    CHECK(proxy.requests()[1].find("Authorization: Token " + test::token) != std::string::npos);
    CHECK(f.err.find("warning") != std::string::npos);
    CHECK(f.err.find(test::token) == std::string::npos);
}

TEST_CASE("NO_PROXY leads past the proxy") {
    test::RawServer proxy{tunnel};
    const test::TempDirectory directory;
    const test::Finished f =
        run_with({{"HTTP_PROXY", "http://127.0.0.1:" + std::to_string(proxy.port())}, {"NO_PROXY", ".plant.invalid"}}, directory);
    INFO(f.err);
    CHECK(f.code == 1);
    CHECK(f.err.find("influx.plant.invalid") != std::string::npos);
    CHECK(proxy.requests().empty());
}

TEST_CASE("a proxy that refuses is named, with its status, apart from the server") {
    test::RawServer proxy{Reply{{"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"}, Reply::End::fin}};
    const test::TempDirectory directory;
    const test::Finished f = run_with({{"HTTP_PROXY", "http://127.0.0.1:" + std::to_string(proxy.port())}}, directory);
    INFO(f.err);
    CHECK(f.code == 1);
    CHECK(f.err.find("127.0.0.1:" + std::to_string(proxy.port())) != std::string::npos);
    CHECK(f.err.find("407") != std::string::npos);
}
