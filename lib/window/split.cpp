#include "window/split.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::window {

namespace {

// In the order in which they come first.
std::vector<std::string> distinct(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names)
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    return out;
}

} // namespace

std::vector<ReadSpec> parts_of(const ReadSpec& read, const std::vector<std::string>& measurements) {
    std::vector<ReadSpec> out;
    const std::vector<std::string> names = distinct(measurements);
    for (const std::string& name : names) {
        out.push_back(read);
        out.back().measurements = {name};
    }
    if (!read.measurements.empty()) return out;
    out.push_back(read);
    out.back().others_than = names;
    return out;
}

bool is_divisible(const ReadSpec& read) {
    return distinct(read.measurements).size() != 1;
}

Split::Split(std::optional<ReadSpec> read) : read_(std::move(read)) {
    if (!read_) return;
    divisible_ = is_divisible(*read_);
    const std::vector<std::string>& columns = read_->columns;
    separate_ = columns.empty() || std::find(columns.begin(), columns.end(), "_measurement") != columns.end();
}

Ask Split::ask(const Window& window) const {
    switch (window.kind) {
    case Ask::Kind::whole: break;
    case Ask::Kind::names: return {Ask::Kind::names, flux_of_measurements(*read_), {}, true, false};
    case Ask::Kind::part: {
        const ReadSpec& part = window.parts[window.next];
        return {Ask::Kind::part, flux_of(part), part.measurements.empty() ? std::string{} : part.measurements.front(), window.next == 0,
                window.next != 0 && !separate_};
    }
    }
    return {};
}

void Split::into_parts(Window& window) const {
    window.next = 0;
    window.kind = read_->measurements.empty() ? Ask::Kind::names : Ask::Kind::part;
    if (window.kind == Ask::Kind::part) window.parts = parts_of(*read_, read_->measurements);
}

Ask Split::begin(WindowId id, const Edges& range, bool smallest) {
    Window& window = windows_[id];
    if (!(window.range == range)) window = Window{range, Ask::Kind::whole, false, {}, 0};
    const bool fresh = window.kind == Ask::Kind::whole && !window.indivisible;
    if (fresh && in_force_ && smallest && left_ != 0) into_parts(window);
    return ask(window);
}

std::optional<Ask> Split::read(WindowId id) {
    Window& window = windows_.at(id);
    if (window.kind == Ask::Kind::part && ++window.next < window.parts.size()) return ask(window);
    if (window.kind == Ask::Kind::part && left_ != 0) --left_;
    if (window.kind == Ask::Kind::whole && !window.indivisible && in_force_ && left_ == 0) {
        in_force_ = false;
        pause_ = first_pause;
    }
    windows_.erase(id);
    return std::nullopt;
}

Ask Split::names_read(WindowId id, std::vector<std::string> names) {
    Window& window = windows_.at(id);
    names = distinct(names);
    if (names.size() > most_names) names.resize(most_names);
    if (names.size() < 2) {
        window.kind = Ask::Kind::whole;
        window.indivisible = true;
    } else {
        window.kind = Ask::Kind::part;
        window.next = 0;
        window.parts = parts_of(*read_, names);
    }
    return ask(window);
}

void Split::failed(WindowId id) {
    if (!separate_) windows_.at(id).next = 0;
}

bool Split::too_much(WindowId id, bool rows) {
    failed(id);
    Window& window = windows_.at(id);
    if (!divisible_ || window.indivisible || window.kind != Ask::Kind::whole || (rows && !separate_)) return false;
    if (!in_force_ || left_ == 0) { // else the window was begun before another one said so
        pause_ = in_force_ ? std::min(pause_ * 2, longest_pause) : first_pause;
        left_ = pause_;
        in_force_ = true;
    }
    into_parts(window);
    return true;
}

bool Split::whole(WindowId id) const {
    return windows_.at(id).kind == Ask::Kind::whole;
}

} // namespace fluxgate::window
