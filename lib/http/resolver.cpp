#include "http/resolver.hpp"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <string>
#include <system_error>
#include <thread>

namespace fluxgate::http {
namespace {

constexpr std::size_t kMaxThreads = 4;

// getaddrinfo as a value. `flags` are AI_ flags.
struct LookUp {
    int status = 0;
    int system_error = 0;
    std::vector<Address> addresses;
};

LookUp look_up(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    LookUp out;
    errno = 0;
    out.status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    out.system_error = errno;
    if (out.status != 0) return out;
    for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
        if (a->ai_addrlen > sizeof(sockaddr_storage)) continue;
        Address address;
        std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
        address.size = a->ai_addrlen;
        out.addresses.push_back(address);
    }
    ::freeaddrinfo(list);
    return out;
}

Resolution resolve_now(const std::string& host, std::uint16_t port) {
    LookUp found = look_up(host, port, 0);
    if (found.status == 0 && !found.addresses.empty()) return std::move(found.addresses);
    std::string why = found.status == 0            ? "it has no address"
                      : found.status == EAI_SYSTEM ? std::generic_category().message(found.system_error)
                                                   : std::string{::gai_strerror(found.status)};
    Error error{Errc::resolve, "the host name of " + host + ":" + std::to_string(port) + " cannot be resolved: " + why +
                                   ". Check the spelling of the host in `url`, and this machine's DNS (getent ahosts " + host + ")"};
    error.retryable = true;
    return error;
}

class Pool {
public:
    void ask(std::string host, std::uint16_t port, std::shared_ptr<Mailbox> mailbox) {
        const std::lock_guard lock{mutex_};
        queue_.push_back({std::move(host), port, std::move(mailbox)});
        if (idle_ == 0 && threads_ < kMaxThreads) {
            if (spawn()) ++threads_;
        }
        if (threads_ == 0) fail_all();
        wake_.notify_one();
    }

private:
    struct Question {
        std::string host;
        std::uint16_t port;
        std::shared_ptr<Mailbox> mailbox;
    };

    // Signals belong to the threads that the host made.
    bool spawn() {
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        bool made = true;
        try {
            std::thread([this] { work(); }).detach();
        } catch (const std::system_error&) {
            made = false; // an older thread takes the question; with none at all, fail_all answers it
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return made;
    }

    void fail_all() {
        for (const Question& q : queue_) {
            Error error{Errc::resolve, "the host name " + q.host + " cannot be resolved: the system gives no thread for it"};
            error.retryable = true;
            q.mailbox->deliver(std::move(error));
        }
        queue_.clear();
    }

    [[noreturn]] void work() {
        for (;;) {
            Question question = take();
            if (!question.mailbox->closed()) question.mailbox->deliver(resolve_now(question.host, question.port));
        }
    }

    Question take() {
        std::unique_lock lock{mutex_};
        ++idle_;
        wake_.wait(lock, [this] { return !queue_.empty(); });
        --idle_;
        Question question = std::move(queue_.front());
        queue_.pop_front();
        return question;
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Question> queue_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
};

// Leaked on purpose: its threads may hang in getaddrinfo while the process ends.
Pool& pool() {
    static Pool* const instance = new Pool;
    return *instance;
}

} // namespace

std::string Address::text() const {
    std::array<char, NI_MAXHOST> host{};
    if (::getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
    return host.data();
}

void Mailbox::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    notify_ = nullptr;
}

bool Mailbox::closed() const {
    const std::lock_guard lock{mutex_};
    return closed_;
}

void Mailbox::deliver(Resolution answer) {
    const std::lock_guard lock{mutex_};
    if (closed_) return;
    answer_.emplace(std::move(answer));
    if (notify_) notify_();
}

std::optional<Resolution> Mailbox::take() {
    const std::lock_guard lock{mutex_};
    std::optional<Resolution> out;
    out.swap(answer_);
    return out;
}

std::optional<std::vector<Address>> numeric_addresses(const std::string& host, std::uint16_t port) {
    LookUp found = look_up(host, port, AI_NUMERICHOST);
    if (found.status != 0 || found.addresses.empty()) return std::nullopt;
    return std::move(found.addresses);
}

void resolve(const std::string& host, std::uint16_t port, std::shared_ptr<Mailbox> mailbox) {
    pool().ask(host, port, std::move(mailbox));
}

} // namespace fluxgate::http
