#include "runtime/tokens.hpp"

namespace fluxgate::runtime {

std::uint64_t OutputTokens::open(Open entry) {
    const std::scoped_lock lock{mutex_};
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(places_.size());
        places_.emplace_back();
        free_.reserve(places_.size());
    } else {
        index = free_.back();
        free_.pop_back();
    }
    places_[index].entry = std::move(entry);
    return std::uint64_t{places_[index].generation} << 32 | index;
}

std::optional<OutputTokens::Open> OutputTokens::take_locked(std::uint32_t index) {
    Place& place = places_[index];
    std::optional<Open> out = std::move(place.entry);
    place.entry.reset();
    if (++place.generation == 0) place.generation = 1;
    free_.push_back(index);
    return out;
}

std::optional<OutputTokens::Open> OutputTokens::close(std::uint64_t number, const void* owner) {
    const std::scoped_lock lock{mutex_};
    const auto index = static_cast<std::uint32_t>(number);
    if (index >= places_.size()) return std::nullopt;
    const Place& place = places_[index];
    if (place.generation != number >> 32 || !place.entry || place.entry->owner != owner) return std::nullopt;
    return take_locked(index);
}

std::vector<OutputTokens::Open> OutputTokens::close_all(const void* owner) {
    std::vector<Open> out;
    const std::scoped_lock lock{mutex_};
    for (std::uint32_t index = 0; index < places_.size(); ++index)
        if (places_[index].entry && places_[index].entry->owner == owner) out.push_back(std::move(*take_locked(index)));
    return out;
}

bool OutputTokens::count_dead_letter(const void* owner, std::uint64_t sequence) {
    const std::scoped_lock lock{mutex_};
    for (Place& place : places_)
        if (place.entry && place.entry->owner == owner && place.entry->sequence == sequence) {
            ++place.entry->dead_letters;
            return true;
        }
    return false;
}

std::size_t OutputTokens::count(const void* owner) const {
    std::size_t out = 0;
    const std::scoped_lock lock{mutex_};
    for (const Place& place : places_)
        out += place.entry && place.entry->owner == owner ? 1u : 0u;
    return out;
}

} // namespace fluxgate::runtime
