// The port of something else: a web server, or a server that takes connections and says nothing.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/raw_server.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

using namespace fluxgate;
using test::Reply;
using test::run_fluxgate;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

// As Python's http.server answers to a POST.
const std::string page = "<!DOCTYPE HTML>\n<html lang=\"en\">\n    <head>\n        <title>Error response</title>\n    </head>\n    <body>\n"
                         "        <p>Message: Unsupported method ('POST').</p>\n    </body>\n</html>\n";
const std::string refusal = "HTTP/1.0 501 Unsupported method ('POST')\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\nConnection: close\r\nContent-Type: "
                            "text/html;charset=utf-8\r\n"
                            "Content-Length: " +
                            std::to_string(page.size()) + "\r\n\r\n" + page;

std::vector<Lines> asking(const std::string& file, const std::string& out) {
    return {{"check", file}, {"plan", file}, {"schema", file}, {"export", file, "--bucket", "plant", "--start", "-1h", "--out", out}};
}

} // namespace

TEST_CASE("a web server that is no InfluxDB is told as that, in words and not in tags, and nobody is promised another try") {
    const test::RawServer server{Reply{{refusal}}};
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::original_document(server.port()));
    std::vector<Lines> commands = asking(file, directory.path() + "/out");
    commands.push_back({"run", file, "--once"});
    for (const Lines& command : commands) {
        const test::Finished f = run_fluxgate(command, directory.path());
        const std::string said = f.out + f.err;
        INFO(command.front() << ": " << said);
        CHECK(f.code == (command.front() == "check" ? 3 : 1));
        CHECK(said.find("HTTP 501") != std::string::npos);
        CHECK(said.find("a web page: Error response Message: Unsupported method ('POST').") != std::string::npos);
        CHECK(said.find("check url, port and the path") != std::string::npos);
        CHECK(said.find("tried again") == std::string::npos);
        CHECK(said.find('<') == std::string::npos);
        CHECK(said.find(test::token) == std::string::npos);
    }
}

TEST_CASE("SIGINT ends what waits for a server that says nothing, and nothing is left behind") {
    const test::TempDirectory directory;
    const std::string out = directory.path() + "/out";
    for (std::size_t i = 0; i < asking("", "").size(); ++i) {
        const test::RawServer server{Reply{{}, Reply::End::hold}};
        const Lines command = asking(directory.write("plant.json", test::original_document(server.port())), out)[i];
        const auto process = test::start_fluxgate(command, directory.path());
        for (int k = 0; k < 2000 && server.requests().empty(); ++k)
            std::this_thread::sleep_for(5ms);
        process->signal(SIGINT);
        const test::Finished f = process->wait(10s);
        INFO(command.front() << ": " << f.out << f.err);
        CHECK(f.code == 130);
        CHECK_FALSE(std::filesystem::exists(out));
    }
}
