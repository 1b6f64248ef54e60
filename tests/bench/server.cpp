// bench_server: answers every request with one answer that was rendered before, from memory, as fast as the socket takes it.
//   bench_server ANSWER [--answers N] [--gzip] [--chunk-size BYTES] --port-file FILE
// ANSWER as in answers.hpp. With --answers there are N of them, of one day each (at most 9), so that no row of one is in another, and
// five-minute windows which follow each other get one after the other; a query without a window gets the first. With --gzip clients
// that accept it get the body compressed (beforehand). Ends with its parent.
#include "answers.hpp"
#include "sockets.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <sys/prctl.h>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace fluxgate::bench;

struct Options {
    std::string answer, port_file;
    bool gzip = false;
    std::size_t answers = 1;
    std::size_t chunk_size = 4096; // as InfluxDB's
};

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--gzip")
            o.gzip = true;
        else if (name == "--chunk-size" && i + 1 < argc)
            o.chunk_size = std::stoull(argv[++i]);
        else if (name == "--answers" && i + 1 < argc)
            o.answers = std::stoull(argv[++i]);
        else if (name == "--port-file" && i + 1 < argc)
            o.port_file = argv[++i];
        else if (o.answer.empty() && name.rfind("--", 0) != 0)
            o.answer = name;
        else
            throw std::runtime_error("unknown argument " + name);
    }
    if (o.answer.empty() || o.port_file.empty() || o.chunk_size == 0) throw std::runtime_error("ANSWER and --port-file FILE are needed");
    if (o.answers == 0 || o.answers > 9) throw std::runtime_error("--answers takes 1 to 9");
    return o;
}

// Renamed into place, so that who waits for the file never reads half a number.
void announce(const std::string& path, std::uint16_t port) {
    const std::string draft = path + ".part";
    std::ofstream{draft} << port << "\n";
    if (std::rename(draft.c_str(), path.c_str()) != 0) throw std::runtime_error(path + " cannot be written");
}

struct Wire {
    std::string head, body; // the body in chunks
};

struct Answer {
    Wire plain, compressed;
};

std::string of_day(std::string body, std::size_t number) {
    const std::string first = answer_day, other = first.substr(0, first.size() - 2) + std::to_string(number + 1) + "T";
    for (std::size_t at = number == 0 ? std::string::npos : body.find(first); at != std::string::npos; at = body.find(first, at + 1))
        body.replace(at, first.size(), other);
    return body;
}

// Which five minutes the query's window ends with: its `now`.
std::size_t window_of(const std::string& request) {
    constexpr std::string_view name = "\"now\":\"";
    const std::size_t found = request.find(name), at = found + name.size();
    if (found == std::string::npos || at + 16 > request.size()) return 0;
    const auto two = [&](std::size_t i) { return static_cast<std::size_t>((request[at + i] - '0') * 10 + (request[at + i + 1] - '0')); };
    return two(11) * 12 + two(14) / 5 + 11; // 2026-01-01T00:05:00Z is the first of twelve
}

void serve(int fd, const std::vector<Answer>& answers) {
    std::string rest;
    for (;;) {
        const std::string request = read_request(fd, rest);
        if (request.empty()) break;
        const auto& [plain, compressed] = answers[window_of(request) % answers.size()];
        const bool takes_gzip = !compressed.body.empty() && request.substr(0, request.find("\r\n\r\n")).find("gzip") != std::string::npos;
        const Wire& wire = takes_gzip ? compressed : plain;
        if (!send_all(fd, wire.head) || !send_all(fd, wire.body)) break;
    }
    close_socket(fd);
}

} // namespace

int main(int argc, char** argv) {
    try {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        const Options o = parse(argc, argv);
        std::vector<Answer> answers;
        for (std::string body = answer_csv(o.answer); answers.size() < o.answers;) {
            Answer& answer = answers.emplace_back();
            const std::string text = of_day(body, answers.size() - 1);
            if (o.gzip) answer.compressed = {answer_head("gzip"), in_chunks(gzipped(text), o.chunk_size)};
            answer.plain = {answer_head(""), in_chunks(text, o.chunk_size)};
            if (answers.size() == o.answers) body = std::string{};
        }
        const Listener listener;
        announce(o.port_file, listener.port());
        for (;;) {
            const int fd = listener.accept();
            std::thread{[fd, &answers] { serve(fd, answers); }}.detach();
        }
    } catch (const std::exception& error) {
        std::cerr << "bench_server: " << error.what() << "\n";
        return 1;
    }
}
