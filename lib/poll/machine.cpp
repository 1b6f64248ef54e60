#include "poll/machine.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::poll {
namespace {

constexpr std::uint32_t kOnceTries = 5;
constexpr Nanoseconds kPersonAtLeast = std::chrono::minutes{5}; // never rarer than this
constexpr Nanoseconds kPersonAtMost = std::chrono::seconds{5};  // never oftener than this

// min(max, initial * 2^(failures - 1)), without overflow.
Nanoseconds exponential_bound(const Policy& policy, std::uint32_t failures) {
    Nanoseconds bound = std::min(policy.initial, policy.max);
    for (std::uint32_t i = 1; i < failures && bound < policy.max; ++i)
        bound = bound > policy.max / 2 ? policy.max : bound * 2;
    return bound;
}

// The number of failed tries with which the stage gives up; nothing: never.
std::optional<std::uint32_t> tries(const Policy& policy) {
    std::optional<std::uint32_t> most;
    if (policy.max_retries) most = *policy.max_retries == UINT32_MAX ? UINT32_MAX : *policy.max_retries + 1;
    if (policy.retry == RetryType::none) most = 1;
    if (policy.once) most = std::min(most.value_or(kOnceTries), kOnceTries);
    return most;
}

std::int64_t after(std::int64_t now_ns, Nanoseconds delay) {
    const std::int64_t count = std::max<std::int64_t>(delay.count(), 0);
    return now_ns > INT64_MAX - count ? INT64_MAX : now_ns + count;
}

} // namespace

Machine::Machine(Policy policy, std::function<double()> random01) : policy_(policy), random01_(std::move(random01)) {}

Action Machine::next(std::int64_t now_ns) {
    switch (state_) {
    case State::ended: return {Action::Kind::end, 0};
    case State::gave_up: return {Action::Kind::fail, 0};
    case State::querying: return {Action::Kind::wait, INT64_MAX}; // never two at once: the end of this one is waited for
    case State::waiting: break;
    }
    if (!first_ && now_ns < due_ns_) return {Action::Kind::wait, due_ns_};
    first_ = false;
    state_ = State::querying;
    return {Action::Kind::query, 0};
}

void Machine::succeeded(std::int64_t now_ns) {
    if (state_ != State::querying) return;
    failures_ = 0;
    needs_person_ = false;
    due_ns_ = after(now_ns, policy_.interval);
    state_ = policy_.once ? State::ended : State::waiting;
}

void Machine::progressed() noexcept {
    failures_ = 0;
    needs_person_ = false;
}

void Machine::failed(std::int64_t now_ns, const Trouble& trouble) {
    if (state_ != State::querying) return;
    if (failures_ < UINT32_MAX) ++failures_;
    needs_person_ = trouble.kind == TroubleClass::needs_person;
    const bool at_interval = needs_person_ || trouble.kind == TroubleClass::retry_at_interval;
    state_ = State::waiting;
    if (trouble.kind == TroubleClass::configuration || (at_interval && policy_.once)) {
        state_ = State::gave_up;
        return;
    }
    if (const std::optional<std::uint32_t> most = tries(policy_); most && failures_ >= *most) {
        state_ = State::gave_up;
        return;
    }
    Nanoseconds delay{};
    if (at_interval) {
        delay = std::clamp(policy_.interval, kPersonAtMost, kPersonAtLeast);
    } else if (policy_.retry == RetryType::exponential) {
        const double share = std::clamp(random01_(), 0.0, 1.0);
        delay = Nanoseconds{static_cast<std::int64_t>(static_cast<double>(exponential_bound(policy_, failures_).count()) * share)};
    } else {
        delay = policy_.initial;
    }
    if (trouble.retry_after) delay = std::max(delay, *trouble.retry_after);
    due_ns_ = after(now_ns, delay);
}

void Machine::hasten(std::int64_t now_ns) {
    if (state_ == State::waiting && needs_person_) due_ns_ = std::min(due_ns_, now_ns);
}

std::uint32_t Machine::failures() const noexcept {
    return failures_;
}

} // namespace fluxgate::poll
