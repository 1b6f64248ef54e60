#include "runtime/recent.hpp"

#include "fluxgate/stage.hpp"
#include "telemetry/text.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::runtime {

namespace {

// At most `most` bytes, cut between characters.
std::string beginning(std::string_view text, std::size_t most) {
    std::size_t end = std::min(text.size(), most);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return std::string{text.substr(0, end)};
}

std::string shown(std::string_view text, std::size_t most) {
    return beginning(telemetry::to_utf8(text), most);
}

} // namespace

void Recent::add(TroubleNote note) {
    for (std::string* text : {&note.message, &note.server_said})
        *text = shown(*text, max_text);
    const std::scoped_lock lock{mutex_};
    troubles_.push_back(std::move(note));
    if (troubles_.size() > max_troubles) troubles_.pop_front();
}

void Recent::add(std::int64_t wall_ns, std::string_view stage, const fg_dead_letter& letter, const telemetry::Redactor& redactor) {
    const std::string_view raw = stage::to_view(letter.raw), code = stage::to_view(letter.code);
    LetterExample example;
    example.wall_ns = wall_ns;
    example.stage = stage;
    example.code = beginning(telemetry::to_utf8(code), max_raw);
    example.text = shown(redactor.apply(stage::to_view(letter.text)), max_raw);
    example.partition = letter.partition;
    // A secret that the cut would halve must be found first, so more is looked at than is kept.
    constexpr std::size_t looked_at = 16 * max_raw;
    example.raw = shown(redactor.apply(raw.substr(0, looked_at)), max_raw);
    example.cut = raw.size() > max_raw || letter.truncated != 0;
    const std::scoped_lock lock{mutex_};
    auto at = examples_.find(example.code);
    if (at == examples_.end()) {
        if (examples_.size() == max_reasons) return;
        at = examples_.emplace(example.code, std::deque<LetterExample>{}).first;
    }
    at->second.push_back(std::move(example));
    if (at->second.size() > max_of_a_reason) at->second.pop_front();
}

void Recent::copy_to(PipelineStatus& out) const {
    const std::scoped_lock lock{mutex_};
    out.troubles.assign(troubles_.begin(), troubles_.end());
    for (const auto& [code, examples] : examples_)
        out.examples.insert(out.examples.end(), examples.begin(), examples.end());
}

} // namespace fluxgate::runtime
