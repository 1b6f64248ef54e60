#include "http/transport.hpp"

#include "http/link.hpp"
#include "http/resolver.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

namespace fluxgate::http {

namespace asio = boost::asio;

struct Loop::Impl {
    // A cap that no caller notices keeps the sum with the system's clock within its range.
    static constexpr std::chrono::nanoseconds kLongest = std::chrono::hours{1};

    void handle_ready() { handled += io.poll(); }
    void wait(std::chrono::nanoseconds timeout) {
        if (timeout > std::chrono::nanoseconds::zero()) handled += io.run_one_for(std::min(timeout, kLongest));
        handle_ready();
    }

    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
    std::size_t handled = 0, seen = 0;
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::before_run() {
    impl_->seen = impl_->handled;
}

void Loop::wait(std::chrono::nanoseconds timeout) {
    impl_->wait(impl_->handled == impl_->seen ? timeout : std::chrono::nanoseconds::zero());
}

struct Transport::Impl {
    Impl(LinkSettings link_settings, std::vector<std::string> numeric, std::shared_ptr<Loop> shared)
        : settings(std::make_shared<const LinkSettings>(std::move(link_settings))), addresses(std::move(numeric)),
          loop(shared ? std::move(shared) : std::make_shared<Loop>()), io(loop->impl().io) {}

    std::shared_ptr<Link> fresh() { return std::make_shared<Link>(io, settings); }

    // The addresses that need no look-up; nothing when the resolver is to be asked.
    [[nodiscard]] std::optional<std::vector<Address>> known(const Endpoint& to) const {
        if (addresses.empty()) return numeric_addresses(to.host, to.port);
        std::vector<Address> out;
        for (const std::string& text : addresses) {
            std::optional<std::vector<Address>> one = numeric_addresses(text, to.port);
            if (one) out.insert(out.end(), one->begin(), one->end());
        }
        return out.empty() ? std::nullopt : std::optional{std::move(out)};
    }

    void take_addresses() {
        std::optional<Resolution> answer = mailbox->take();
        if (!answer) return;
        mailbox.reset();
        if (!answer->ok()) return link->resolution_failed(std::move(*answer).error());
        link->resolved(std::move(*answer).value());
    }

    const std::shared_ptr<const LinkSettings> settings;
    const std::vector<std::string> addresses;
    ConnectionReport last_report;     // of the link before the present one
    const std::shared_ptr<Loop> loop; // before what lives on it
    asio::io_context& io;
    std::atomic<bool> woken{false};
    std::shared_ptr<Link> link = fresh();
    std::shared_ptr<Mailbox> mailbox;
};

Transport::Transport(Endpoint endpoint, TlsOptions tls, Client::Clock clock, Route route, std::shared_ptr<Loop> loop)
    : impl_(std::make_unique<Impl>(LinkSettings{std::move(endpoint), std::move(tls), std::move(clock), std::move(route.proxy)},
                                   std::move(route.addresses), std::move(loop))) {}

Transport::~Transport() {
    close();
}

void Transport::open() {
    close();
    Link& link = *impl_->link;
    const LinkSettings& settings = *impl_->settings;
    const Endpoint& to = settings.proxy ? settings.proxy->endpoint : settings.endpoint;
    if (std::optional<std::vector<Address>> known = impl_->known(to)) return link.resolved(std::move(*known));
    link.begin_resolving();
    impl_->mailbox = std::make_shared<Mailbox>([&io = impl_->io] { asio::post(io, [] {}); });
    resolve(to.host, to.port, impl_->mailbox);
}

void Transport::close() {
    if (impl_->mailbox) {
        impl_->mailbox->close(); // from here on nobody posts to the loop
        impl_->mailbox.reset();
    }
    if (impl_->link->state() != State::closed) impl_->last_report = impl_->link->report();
    impl_->link->close();
    impl_->link = impl_->fresh();
}

bool Transport::next_address() {
    return impl_->link->next_address();
}
std::size_t Transport::addresses_left() const {
    return impl_->link->addresses_left();
}
Transport::State Transport::state() const {
    return impl_->link->state();
}
const Error& Transport::error() const {
    return impl_->link->error();
}
std::string Transport::doing() const {
    return impl_->link->doing();
}
const ConnectionReport& Transport::report() const {
    return impl_->link->state() == State::closed ? impl_->last_report : impl_->link->report();
}
void Transport::send(std::string_view head, std::string_view body) {
    impl_->link->send(head, body);
}
bool Transport::sent() const {
    return !impl_->link->sending();
}
const std::string& Transport::send_problem() const {
    return impl_->link->send_problem();
}
bool Transport::reads_while_sending() const {
    return impl_->link->reads_while_sending();
}
Transport::Read Transport::read(char* to, std::size_t size) {
    return impl_->link->read(to, size);
}
bool Transport::stale() {
    return impl_->link->stale();
}

void Transport::wait(std::chrono::nanoseconds timeout) {
    impl_->loop->impl().wait(timeout);
    if (impl_->link->state() == State::resolving) impl_->take_addresses();
}

void Transport::wake() {
    if (!impl_->woken.exchange(true)) asio::post(impl_->io, [] {});
}

bool Transport::take_woken() {
    return impl_->woken.load(std::memory_order_relaxed) && impl_->woken.exchange(false);
}

} // namespace fluxgate::http
