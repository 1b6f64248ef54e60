#include "core/stdout_output.hpp"
#include "fake_host.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::core;
using core_test::FakeHost;
using core_test::Messages;
using stage::Flushed;
using stage::Written;

namespace {

struct Pipe {
    Descriptor reader, writer;
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader = Descriptor{ends[0]};
        writer = Descriptor{ends[1]};
    }
    // All that is there now.
    std::string take() const {
        std::string out;
        char chunk[65536];
        ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
        for (;;) {
            const long got = ::read(reader.get(), chunk, sizeof chunk);
            if (got <= 0) return out;
            out.append(chunk, static_cast<std::size_t>(got));
        }
    }
};

StdoutOutput output(FakeHost& host, LineWriter& writer, const char* path = ".") {
    return StdoutOutput{StdoutSettings{*jsonpath::JsonPath::compile(path)}, "out", host.host(), writer};
}

Messages large_messages() {
    Messages messages;
    for (int i = 0; i < 400; ++i)
        messages.add(std::string{"\""}.append(1000, 'x') + '"', std::to_string(i));
    return messages;
}

// [partition,number,"aaa..."]
std::string payload_of(int partition, int number) {
    std::string out{"["};
    out += std::to_string(partition) + ',' + std::to_string(number) + ",\"";
    out.append(200, static_cast<char>('a' + partition));
    return out += "\"]";
}

const FakeHost::Completed delivered_7{{7, FG_DELIVERED}};

} // namespace

TEST_CASE("stdout: a batch goes out as it is and is delivered within write") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    StdoutOutput out = output(host, writer);
    const Messages messages = Messages{}.add("{\"a\":1}").add("null", "2");
    int releases = 0;
    fg_batch batch = messages.make(&releases);
    CHECK(*out.write(batch, 7) == Written::taken);
    CHECK(pipe.take() == messages.text());
    CHECK(host.completed() == delivered_7);
    CHECK(releases == 1);
}

TEST_CASE("stdout: format.path selects what a line holds, and a path that cannot be followed is a dead letter") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    const auto lines = [&](const char* path) {
        StdoutOutput out = output(host, writer, path);
        fg_batch batch = Messages{}.add("{\"a\":1.50}").add("{}").add("3").make();
        CHECK(*out.write(batch, 7) == Written::taken);
        return pipe.take();
    };
    CHECK(lines(".payload") == "{\"a\":1.50}\n{}\n3\n");
    CHECK(host.dead_letters.empty());
    CHECK(lines(".payload.a") == "1.50\nnull\n");
    CHECK(host.dead_letters == std::vector<std::string>{"path-mismatch: {\"id\":1,\"payload\":3}"});
    CHECK(lines(".id[0]").empty());
    CHECK(host.completed().size() == 3);
}

TEST_CASE("stdout: a dead letter that cannot be put on record is an error and the batch stays the host's") {
    FakeHost host;
    host.refuse_dead_letters = true;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    StdoutOutput out = output(host, writer, ".id.x");
    int releases = 0;
    fg_batch batch = Messages{}.add("1").make(&releases);
    const auto written = out.write(batch, 7);
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::dead_letter);
    CHECK(releases == 0);
    release_batch(batch);
    CHECK(host.completed().empty());
}

TEST_CASE("stdout: while the reader does not take a batch others are refused, and then it is drained whole and in order") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    StdoutOutput first = output(host, writer), second = output(host, writer, ".payload.none");
    const Messages large = large_messages();
    fg_batch a = large.make();
    CHECK(*first.write(a, 7) == Written::taken);
    CHECK(host.completed().empty());
    CHECK(*first.flush(host.monotonic) == Flushed::not_yet);

    int releases = 0;
    fg_batch b = Messages{}.add("{}", "9").make(&releases);
    CHECK(*second.write(b, 8) == Written::busy);
    CHECK(releases == 0);
    CHECK(*second.flush(host.monotonic) == Flushed::all);
    std::int64_t deadline = 0;
    CHECK(second.poll(0, deadline).ok());
    CHECK(deadline <= host.monotonic + 50'000'000);

    std::string got;
    while (host.completed().empty()) {
        const std::string part = pipe.take();
        REQUIRE_FALSE(part.empty());
        got += part;
        REQUIRE(second.poll(0, deadline).ok()); // whoever comes by drains
    }
    got += pipe.take();
    CHECK(got == large.text());
    CHECK(host.completed() == delivered_7);
    CHECK(*second.write(b, 8) == Written::taken);
    CHECK(pipe.take() == "null\n");
    CHECK(releases == 1);
}

TEST_CASE("stdout: the flags of a pipe that others share stay as they are") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    StdoutOutput out = output(host, writer);
    fg_batch batch = large_messages().make();
    CHECK(*out.write(batch, 7) == Written::taken); // would block for ever on a blocking description
    CHECK((::fcntl(pipe.writer.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("stdout: a batch that waits when its output goes is abandoned, and the next line begins on a line of its own") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    int releases = 0;
    {
        StdoutOutput out = output(host, writer);
        fg_batch batch = large_messages().make(&releases);
        CHECK(*out.write(batch, 7) == Written::taken);
    }
    CHECK(host.completed() == FakeHost::Completed{{7, FG_ABANDONED}});
    CHECK(releases == 1);
    const std::string begun = pipe.take();
    StdoutOutput out = output(host, writer);
    const Messages messages = Messages{}.add("1");
    fg_batch batch = messages.make();
    CHECK(*out.write(batch, 8) == Written::taken);
    CHECK(pipe.take() == (begun.back() == '\n' ? "" : "\n") + messages.text());
}

TEST_CASE("stdout: a reader that went away is output_closed, not a signal, and nothing is taken") {
    struct sigaction before {};
    struct sigaction fatal {};
    fatal.sa_handler = SIG_DFL; // an embedding program may not ignore SIGPIPE
    ::sigaction(SIGPIPE, &fatal, &before);
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    StdoutOutput out = output(host, writer);
    pipe.reader = Descriptor{};
    for (int i = 0; i < 2; ++i) {
        int releases = 0;
        fg_batch batch = Messages{}.add("1").make(&releases);
        const auto written = out.write(batch, 7);
        REQUIRE_FALSE(written.ok());
        CHECK(written.error().code == Errc::output_closed);
        CHECK(releases == 0);
        release_batch(batch);
    }
    ::sigaction(SIGPIPE, &before, nullptr);
    CHECK(host.completed().empty());
}

TEST_CASE("stdout: a reader that goes away while a batch waits is output_closed at the next poll") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    {
        StdoutOutput out = output(host, writer);
        fg_batch batch = large_messages().make();
        CHECK(*out.write(batch, 7) == Written::taken);
        pipe.reader = Descriptor{};
        std::int64_t deadline = 0;
        const auto polled = out.poll(0, deadline);
        REQUIRE_FALSE(polled.ok());
        CHECK(polled.error().code == Errc::output_closed);
        CHECK(host.completed().empty());
    }
    CHECK(host.completed() == FakeHost::Completed{{7, FG_ABANDONED}});
}

TEST_CASE("stdout: a socket works without reopening, busy and closed included") {
    FakeHost host;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    Descriptor reader{ends[0]}, end{ends[1]};
    LineWriter writer{end.get()};
    StdoutOutput out = output(host, writer);
    fg_batch batch = large_messages().make();
    CHECK(*out.write(batch, 7) == Written::taken);
    CHECK(host.completed().empty());
    reader = Descriptor{};
    std::int64_t deadline = 0;
    const auto polled = out.poll(0, deadline);
    REQUIRE_FALSE(polled.ok());
    CHECK(polled.error().code == Errc::output_closed);
}

TEST_CASE("stdout: a full device is an io error with the system's text") {
    FakeHost host;
    Descriptor full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    REQUIRE(full);
    LineWriter writer{full.get()};
    StdoutOutput out = output(host, writer);
    fg_batch batch = Messages{}.add("1").make();
    const auto written = out.write(batch, 7);
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::io);
    CHECK(written.error().message.find("No space left on device") != std::string::npos);
    release_batch(batch);
}

TEST_CASE("stdout: regular files and /dev/null are written directly, behind what is there") {
    FakeHost host;
    char name[] = "/tmp/fluxgate-stdout-XXXXXX";
    Descriptor file{::mkstemp(name)};
    REQUIRE(file);
    REQUIRE(::write(file.get(), "before\n", 7) == 7);
    const Messages messages = Messages{}.add("1");
    {
        LineWriter writer{file.get()};
        StdoutOutput out = output(host, writer);
        fg_batch batch = messages.make();
        CHECK(*out.write(batch, 7) == Written::taken);
    }
    char text[256];
    const long size = ::pread(file.get(), text, sizeof text, 0);
    REQUIRE(size > 0);
    CHECK(std::string(text, static_cast<std::size_t>(size)) == "before\n" + messages.text());
    ::unlink(name);

    Descriptor null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    LineWriter writer{null.get()};
    StdoutOutput out = output(host, writer);
    fg_batch batch = messages.make();
    CHECK(*out.write(batch, 8) == Written::taken);
    CHECK(host.completed().size() == 2);
}

TEST_CASE("stdout: a descriptor that is closed is an io error") {
    FakeHost host;
    LineWriter writer{1000000};
    StdoutOutput out = output(host, writer);
    fg_batch batch = Messages{}.add("1").make();
    CHECK(out.write(batch, 7).error().code == Errc::io);
    release_batch(batch);
}

namespace {

constexpr int partitions = 4, batches = 40, per_batch = 50;

const char* path_of(int partition) {
    return partition % 2 == 0 ? "." : ".payload";
}

// Writes a partition's batches as a host does; the number of calls that failed.
int write_all(int partition, FakeHost& host, LineWriter& writer) {
    StdoutOutput out = output(host, writer, path_of(partition));
    std::int64_t deadline = 0;
    int next = 0;
    for (int b = 0; b < batches; ++b) {
        Messages messages{static_cast<std::uint32_t>(partition)};
        for (int m = 0; m < per_batch; ++m)
            messages.add(payload_of(partition, next++));
        fg_batch batch = messages.make();
        for (;;) {
            const auto written = out.write(batch, static_cast<std::uint64_t>(partition * 1000 + b));
            if (!written.ok()) return 1;
            if (*written == Written::taken) break;
            if (!out.poll(5'000'000, deadline).ok()) return 1;
        }
    }
    for (;;) {
        const auto flushed = out.flush(host.monotonic);
        if (!flushed.ok()) return 1;
        if (*flushed == Flushed::all) return 0;
        if (!out.poll(5'000'000, deadline).ok()) return 1;
    }
}

} // namespace

TEST_CASE("stdout: messages of partitions that write at the same time never interleave, and each partition keeps its order") {
    FakeHost host;
    Pipe pipe;
    LineWriter writer{pipe.writer.get()};
    std::vector<std::thread> workers;
    std::atomic<int> failures{0};
    for (int p = 0; p < partitions; ++p)
        workers.emplace_back([&, p] { failures += write_all(p, host, writer); });

    std::string text;
    char chunk[4096];
    for (std::size_t lines = 0; lines < partitions * batches * per_batch;) {
        const long got = ::read(pipe.reader.get(), chunk, sizeof chunk);
        if (got <= 0) break;
        text.append(chunk, static_cast<std::size_t>(got));
        lines += static_cast<std::size_t>(std::count(chunk, chunk + got, '\n'));
    }
    for (std::thread& worker : workers)
        worker.join();

    std::map<int, int> next;
    int wrong = 0;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t open = line.find('[');
        const int p = open == std::string::npos ? 0 : line[open + 1] - '0';
        const std::string payload = payload_of(p, next[p]++);
        std::string expected = payload;
        if (p % 2 == 0) expected = "{\"id\":1,\"payload\":" + payload + '}';
        if (line != expected) ++wrong;
    }
    CHECK(failures == 0);
    CHECK(wrong == 0);
    CHECK(next == std::map<int, int>{{0, batches * per_batch}, {1, batches * per_batch}, {2, batches * per_batch}, {3, batches * per_batch}});
    CHECK(host.completed().size() == partitions * batches);
}
