#include "trouble.hpp"

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace fluxgate::nothing_lost {

namespace {

using sample::Fault;

constexpr std::uint64_t armed_ahead = 400; // queries; no run asks for so many

struct Drawn {
    Fault fault;
    const char* name;
};

Drawn draw_fault(Random& random, const TroubleOptions& o) {
    const auto status = [](int code, const char* name, const char* retry_after = "") {
        Fault f;
        f.status = code;
        f.retry_after = retry_after;
        return Drawn{f, name};
    };
    const auto other = [](Fault::Kind kind, const char* name, std::uint64_t count = 0, std::chrono::milliseconds delay = {}) {
        Fault f;
        f.kind = kind;
        f.count = count;
        f.delay = delay;
        return Drawn{f, name};
    };
    const std::uint64_t at = draw(random, o.body_bytes) + 1;
    switch (draw(random, 20)) {
    case 0:
    case 1: return status(503, "503");
    case 2:
    case 3: return status(429, "429", "0");
    case 4: return status(504, "504");
    case 5:
    case 6: return other(Fault::Kind::queue_full, "400 queue length exceeded");
    case 7: return other(Fault::Kind::delay_first_byte, "stalled before the answer", 0, o.stall);
    case 8: return other(Fault::Kind::delay_rows, "stalled in the answer", draw(random, 300) + 1, o.stall);
    case 9: return o.gzip ? other(Fault::Kind::gzip_no_trailer, "gzip without its end") : other(Fault::Kind::cut_after, "cut", at);
    case 10: return o.gzip ? other(Fault::Kind::garbage_after_gzip, "an error behind the answer") : other(Fault::Kind::reset_after, "reset", at);
    case 11:
    case 12:
    case 13:
    case 14: return other(Fault::Kind::reset_after, "reset", at);
    default: return other(Fault::Kind::cut_after, "cut", at);
    }
}

[[noreturn]] void give_up(const std::string& what, const Error& error) { // nothing can be proven without the server
    (void)std::fprintf(stderr, "nothing_lost: the sample server %s: %s\n", what.c_str(), error.text().c_str());
    std::exit(3);
}

} // namespace

Trouble::Trouble(const TroubleOptions& options) : options_(options), server_(started()) {
    port_ = server_->port();
    server_->set_faults({});
}

// It answers 503 until it is told otherwise, so that no query finds it without what was written before.
std::unique_ptr<sample::Server> Trouble::started() const {
    sample::ServerOptions options;
    options.port = port_;
    options.timeout = options_.timeout;
    options.faults.push_back(Fault{});
    for (int tries = 0;; ++tries) {
        auto server = sample::Server::start(options);
        if (server.ok()) return std::move(server).value();
        if (tries == 50) give_up("does not start", server.error());
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

void Trouble::arm(Random& random) {
    count_met();
    armed_.clear();
    std::vector<Fault> faults;
    for (std::uint64_t query = counted_ + 1; query <= counted_ + armed_ahead; ++query) {
        if (!chance(random, options_.percent)) continue;
        Drawn drawn = draw_fault(random, options_);
        drawn.fault.first = drawn.fault.last = query;
        armed_[query] = drawn.name;
        faults.push_back(std::move(drawn.fault));
    }
    server_->set_faults(std::move(faults));
}

void Trouble::disarm() {
    count_met();
    armed_.clear();
    server_->set_faults({});
}

void Trouble::count_met() {
    if (server_ == nullptr) return;
    const std::uint64_t queries = server_->queries();
    for (auto at = armed_.upper_bound(counted_); at != armed_.end() && at->first <= queries; ++at)
        ++met_[at->second];
    counted_ = queries;
}

void Trouble::stop() {
    if (server_ == nullptr) return;
    count_met();
    server_->stop();
    server_.reset();
    armed_.clear();
    counted_ = 0;
    ++met_["restarted"];
}

void Trouble::start() {
    if (server_ != nullptr) return;
    server_ = started();
    if (const auto written = server_->write("plant", lines_); !lines_.empty() && !written.ok()) give_up("takes no points", written.error());
    server_->set_faults({});
}

void Trouble::write(const std::string& line) {
    lines_ += line + "\n";
    if (server_ == nullptr) return; // it is there when the server is
    if (const auto written = server_->write("plant", line); !written.ok()) give_up("takes no points", written.error());
}

} // namespace fluxgate::nothing_lost
