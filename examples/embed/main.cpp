// fluxgate-embed FILE [STAGE_DIR]: reads a source document inside the program's own boost::asio::io_context, next to a timer
// that keeps ticking, and prints how many messages each partition got. Nothing of fluxgate blocks the loop: one reader
// thread calls the stage, and every handler runs where `post` puts it.
#include "fluxgate/pipeline.hpp"
#include "fluxgate/source.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

namespace asio = boost::asio;

namespace {

// What the program does with messages: here it only counts them.
struct Tally {
    std::map<std::uint32_t, std::uint64_t> messages;
    std::uint64_t bytes = 0;

    void add(const fluxgate::Batch& batch) {
        messages[batch.partition()] += batch.size();
        for (const fluxgate::Message m : batch)
            bytes += m.payload.size();
    }
};

void tick(asio::steady_timer& timer, std::uint64_t& ticks) {
    timer.expires_after(std::chrono::milliseconds{1});
    timer.async_wait([&](const boost::system::error_code& error) {
        if (error) return;
        ++ticks;
        tick(timer, ticks);
    });
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: fluxgate-embed FILE [STAGE_DIR]\n";
        return 2;
    }
    std::ifstream file{argv[1]};
    if (!file) {
        std::cerr << "cannot read " << argv[1] << "\n";
        return 2;
    }
    const std::string document{std::istreambuf_iterator<char>{file}, {}};

    fluxgate::HostOptions host_options;
    host_options.log = [](const fluxgate::LogEntry& entry) {
        if (entry.level >= fluxgate::LogLevel::warning) std::cerr << entry.event << ": " << entry.message << "\n";
    };
    fluxgate::Host host{host_options};
    for (const fluxgate::Error& error : host.load_plugins_in(argc > 2 ? argv[2] : FLUXGATE_DEFAULT_STAGES).failures)
        std::cerr << error.text() << "\n";

    asio::io_context loop;
    const auto keep_running = asio::make_work_guard(loop); // until the source has closed
    asio::steady_timer timer{loop};
    std::uint64_t ticks = 0;
    tick(timer, ticks);

    Tally tally;
    int code = 0;
    fluxgate::SourceOptions options;
    options.once = true;
    options.dead_letter_file = "embed.dead-letters.jsonl";
    options.post = [&](std::function<void()> work) { asio::post(loop, std::move(work)); };
    options.on_batch = [&](fluxgate::Batch batch) {
        tally.add(batch);
        batch.acknowledge(); // the messages are safe now
    };
    options.on_end = [&](const fluxgate::Result<void>& how) {
        if (how.ok()) return;
        std::cerr << how.error().text() << "\n";
        code = 1;
    };
    options.on_closed = [&] {
        timer.cancel();
        loop.stop();
    };

    fluxgate::Result<fluxgate::Source> source = fluxgate::Source::open(host, document, options);
    if (!source.ok()) {
        std::cerr << source.error().text() << "\n";
        for (const auto& v : fluxgate::violations_of(source.error()))
            std::cerr << argv[1] << ": " << v.pointer << ": " << v.message << "\n";
        return 2;
    }
    loop.run();
    for (const auto& [partition, count] : tally.messages)
        std::cout << "partition " << partition << ": " << count << " messages\n";
    std::cout << tally.bytes << " bytes of payload; the loop ticked " << ticks << " times meanwhile\n";
    return code;
}
