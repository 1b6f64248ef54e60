// bench_server: answers every request with one answer that was rendered before, from memory, as fast as the socket takes it.
//   bench_server ANSWER [--gzip] [--chunk-size BYTES] --port-file FILE
// ANSWER as in answers.hpp. With --gzip clients that accept it get the body compressed (beforehand). Ends with its parent.
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

namespace {

using namespace fluxgate::bench;

struct Options {
    std::string answer, port_file;
    bool gzip = false;
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
        else if (name == "--port-file" && i + 1 < argc)
            o.port_file = argv[++i];
        else if (o.answer.empty() && name.rfind("--", 0) != 0)
            o.answer = name;
        else
            throw std::runtime_error("unknown argument " + name);
    }
    if (o.answer.empty() || o.port_file.empty() || o.chunk_size == 0) throw std::runtime_error("ANSWER and --port-file FILE are needed");
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

void serve(int fd, const Wire& plain, const Wire& compressed) {
    std::string rest;
    for (;;) {
        const std::string request = read_request(fd, rest);
        if (request.empty()) break;
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
        std::string body = answer_csv(o.answer);
        Wire plain, compressed;
        if (o.gzip) compressed = {answer_head("gzip"), in_chunks(gzipped(body), o.chunk_size)};
        plain = {answer_head(""), in_chunks(body, o.chunk_size)};
        body = std::string{};
        const Listener listener;
        announce(o.port_file, listener.port());
        for (;;) {
            const int fd = listener.accept();
            std::thread{[fd, &plain, &compressed] { serve(fd, plain, compressed); }}.detach();
        }
    } catch (const std::exception& error) {
        std::cerr << "bench_server: " << error.what() << "\n";
        return 1;
    }
}
