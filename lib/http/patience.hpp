// How long an exchange has been waiting. Only time inside the client's run counts; what passes outside is remembered apart, to tell
// a slow reader from a failing server.
#pragma once

#include "http/client.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace fluxgate::http {

class Patience {
public:
    using nanoseconds = std::chrono::nanoseconds;

    explicit Patience(Client::Clock clock) : clock_(std::move(clock)) {}

    void begin() {
        mark_ = left_at_ = clock_();
        unattended_ = nanoseconds::zero();
    }
    // run begins; with `body`, an answer was arriving meanwhile that nobody read.
    void enter(bool body) {
        mark_ = clock_();
        if (body) unattended_ = std::max(unattended_, nanoseconds{mark_ - left_at_});
    }
    void leave() {
        tick();
        left_at_ = mark_;
    }
    // What passed since leave() was attended elsewhere.
    void waited() { leave(); }
    void tick() {
        const std::int64_t now = clock_();
        spent_ += nanoseconds{now - mark_};
        mark_ = now;
    }

    // Another deadline counts from here on, with `already` on it.
    void restart(nanoseconds already = nanoseconds::zero()) {
        spent_ = already;
        attempt_limit_.reset();
    }
    void progress() { spent_ = nanoseconds::zero(); }      // bytes came
    void attended() { unattended_ = nanoseconds::zero(); } // all that came while nobody looked is read, and no close was behind it

    [[nodiscard]] nanoseconds spent() const { return spent_; }
    [[nodiscard]] nanoseconds unattended() const { return unattended_; } // the longest stay outside run since attended()

    // Until when an address may be tried: an equal share of what is left, so that a silent one does not use up the others' time.
    nanoseconds share_of_address(nanoseconds limit, std::size_t behind) {
        if (!attempt_limit_ || attempt_behind_ != behind) {
            attempt_behind_ = behind;
            attempt_limit_ = spent_ + (limit - spent_) / static_cast<std::int64_t>(behind + 1);
        }
        return *attempt_limit_;
    }

private:
    const Client::Clock clock_;
    std::int64_t mark_ = 0;    // the clock when spent_ was last brought up to date
    std::int64_t left_at_ = 0; // the clock when run last returned
    nanoseconds spent_{};      // inside run, towards the present deadline
    nanoseconds unattended_{};
    std::optional<nanoseconds> attempt_limit_;
    std::size_t attempt_behind_ = 0;
};

} // namespace fluxgate::http
