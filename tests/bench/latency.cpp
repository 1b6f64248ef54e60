// bench_latency: how long a row takes from the socket to its message, on a slow stream. A server sends one row at a time and
// notes when; the reader notes when the row's message is there: in a batch of the source (through the C ABI), and on the
// standard output of the program `fluxgate`. Both clocks are the same machine's.
//   bench_latency [--rows N] [--rate ROWS_A_SECOND]     one JSON line for each of the two
#include "answers.hpp"
#include "children.hpp"
#include "sockets.hpp"
#include "support/paths.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace fluxgate::bench;

constexpr std::uint64_t warm_up = 200; // rows that do not count: connection, first pages

std::int64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// When each row was sent and when it came; shared by the processes.
class Times {
public:
    explicit Times(std::uint64_t rows) : rows_(rows) {
        void* memory = mmap(nullptr, 2 * rows * sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::runtime_error("mmap");
        sent_ = static_cast<std::int64_t*>(memory);
        std::fill_n(sent_, 2 * rows, 0);
    }
    ~Times() { munmap(sent_, 2 * rows_ * sizeof(std::int64_t)); }
    Times(const Times&) = delete;
    Times& operator=(const Times&) = delete;

    void sent(std::uint64_t row) { sent_[row] = now_ns(); }
    void came(std::string_view message, std::int64_t when) {
        constexpr std::string_view key = "\"seq\":";
        const auto at = message.rfind(key);
        if (at == std::string_view::npos) throw std::runtime_error("a message without seq");
        const std::uint64_t row = std::strtoull(message.data() + at + key.size(), nullptr, 10);
        if (row < rows_) sent_[rows_ + row] = when;
    }

    void report(const char* reader, double rate) const {
        std::vector<double> us;
        for (std::uint64_t i = warm_up; i < rows_; ++i) {
            if (sent_[i] == 0 || sent_[rows_ + i] == 0) throw std::runtime_error("row " + std::to_string(i) + " did not come");
            us.push_back(static_cast<double>(sent_[rows_ + i] - sent_[i]) / 1000.0);
        }
        std::sort(us.begin(), us.end());
        const auto at = [&](double part) { return us[static_cast<std::size_t>(part * static_cast<double>(us.size() - 1))]; };
        std::printf(R"({"reader":"%s","rate":%.0f,"rows":%zu,"median_us":%.1f,"p99_us":%.1f,"max_us":%.1f})"
                    "\n",
                    reader, rate, us.size(), at(0.5), at(0.99), us.back());
    }

private:
    std::uint64_t rows_;
    std::int64_t* sent_;
};

// A row is noted right before the one send that carries it as a chunk, so the figures include that call.
void send_slowly(const Listener& listener, Times& times, std::uint64_t rows, double rate) {
    const int fd = listener.accept();
    std::string rest;
    read_request(fd, rest);
    const auto chunk = [](const std::string& bytes) {
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
        return size + bytes + "\r\n";
    };
    send_all(fd, answer_head("") + chunk(tick_header()));
    const std::int64_t begin = now_ns() + 100'000'000;
    for (std::uint64_t i = 0; i < rows; ++i) {
        const std::string bytes = chunk(tick_row(i));
        const std::int64_t due = begin + static_cast<std::int64_t>(static_cast<double>(i) * 1e9 / rate);
        const timespec at{due / 1'000'000'000, due % 1'000'000'000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
        }
        times.sent(i);
        if (!send_all(fd, bytes)) throw std::runtime_error("the reader has gone");
    }
    send_all(fd, chunk("\r\n") + "0\r\n\r\n"); // the blank line closes the result
    while (!read_request(fd, rest).empty()) {
    }
    close_socket(fd);
}

template <class Work>
pid_t in_child(unsigned core, Work work) {
    const pid_t child = fork();
    if (child != 0) return child;
    pin(core);
    try {
        work();
        _exit(0);
    } catch (const std::exception& error) {
        std::cerr << "bench_latency: " << error.what() << "\n";
        _exit(1);
    }
}

void join(pid_t child, const char* what) {
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) throw std::runtime_error(std::string{what} + " failed");
}

void through_source(std::uint16_t port, Times& times) {
    join(in_child(client_core,
                  [&] {
                      Target target;
                      target.port = port;
                      source(target, [&](const fg_batch& batch) {
                          const std::int64_t when = now_ns();
                          for (std::uint32_t i = 0; i < batch.count; ++i)
                              times.came({batch.text + batch.messages[i].offset, batch.messages[i].size}, when);
                      });
                  }),
         "the source");
}

std::string write_document(std::uint16_t port) {
    char name[] = "/tmp/fluxgate-bench-XXXXXX";
    const int fd = mkstemp(name);
    if (fd < 0) throw std::runtime_error("no temporary file can be made");
    close(fd);
    std::ofstream{name}
        << R"json({"displayName":"latency","type":"input/influxdbv2@v1","url":"http://127.0.0.1","port":)json" << port
        << R"json(,"organization":"test-org","interval":"1h","query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},)json"
        << R"json("format":{"type":"json"},"partitionCount":8,"partitionStrategy":{"type":"key","expression":".payload.host"},)json"
        << R"json("authentication":{"type":"accessToken","accessToken":"TOKEN"}})json";
    return name;
}

void read_lines(int fd, Times& times) {
    std::string text;
    std::vector<char> piece(1u << 20);
    for (;;) {
        const ssize_t n = read(fd, piece.data(), piece.size());
        const std::int64_t when = now_ns();
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        text.append(piece.data(), static_cast<std::size_t>(n));
        std::size_t from = 0;
        for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
            times.came({text.data() + from, end - from}, when);
            from = end + 1;
        }
        text.erase(0, from);
    }
}

void through_runner(std::uint16_t port, Times& times) {
    const std::string document = write_document(port), program = FLUXGATE_BINARY_DIR "/bin/fluxgate";
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    const pid_t runner = in_child(client_core, [&] {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("TOKEN", "sample-token", 1);
        execl(program.c_str(), program.c_str(), "run", document.c_str(), "--once", "--log-level", "error", nullptr);
        throw std::runtime_error(program + " cannot be started");
    });
    close(ends[1]);
    read_lines(ends[0], times);
    close(ends[0]);
    join(runner, "fluxgate run");
    std::remove(document.c_str());
}

} // namespace

int main(int argc, char** argv) {
    try {
        std::uint64_t rows = 10'000;
        double rate = 1000;
        for (int i = 1; i + 1 < argc; i += 2) {
            const std::string name = argv[i];
            if (name == "--rows")
                rows = std::max<std::uint64_t>(std::stoull(argv[i + 1]), 2 * warm_up);
            else if (name == "--rate")
                rate = std::stod(argv[i + 1]);
            else
                throw std::runtime_error("there are --rows and --rate");
        }
        pin(server_core); // where the reader of the runner's output stays too; both sleep most of the time
        for (const char* reader : {"source", "runner"}) {
            Times times{rows};
            auto listener = std::make_unique<Listener>();
            const std::uint16_t port = listener->port();
            const pid_t server = in_child(server_core, [&] { send_slowly(*listener, times, rows, rate); });
            listener.reset(); // the server's alone: if it fails, nobody waits for it
            std::string{reader} == "source" ? through_source(port, times) : through_runner(port, times);
            join(server, "the server");
            times.report(reader, rate);
            std::fflush(stdout);
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_latency: " << error.what() << "\n";
        return 1;
    }
}
