// A host whose clocks stand still until they are moved, and that remembers what outputs told it.
#pragma once

#include "fluxgate/stage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace core_test {

class FakeHost {
public:
    FakeHost() {
        table_.size = sizeof(fg_host);
        table_.abi_version = FLUXGATE_ABI_VERSION;
        table_.context = this;
        table_.log = [](void*, int32_t, fg_text, fg_text, const fg_field*, size_t) {};
        table_.resolve_secret = [](void*, fg_text, fg_secret*, fg_error*) -> int32_t { return FG_ERR_SECRET; };
        table_.state_get = [](void*, fg_text, fg_blob*, fg_error*) -> int32_t { return FG_ERR_STATE; };
        table_.state_commit = [](void*, const fg_state_change*, size_t, fg_error*) -> int32_t { return FG_ERR_STATE; };
        table_.metric = [](void*, int32_t, fg_text, const fg_field*, size_t, double) {};
        table_.dead_letter = [](void* c, const fg_dead_letter* letter, fg_error*) -> int32_t {
            auto* self = static_cast<FakeHost*>(c);
            if (self->refuse_dead_letters) return FG_ERR_DEAD_LETTER;
            self->dead_letters.push_back(std::string{fluxgate::stage::to_view(letter->code)} + ": " +
                                         std::string{fluxgate::stage::to_view(letter->raw)});
            return FG_OK;
        };
        table_.set_health = [](void*, int32_t, fg_text, fg_text) {};
        table_.monotonic_ns = [](void* c) -> int64_t { return static_cast<FakeHost*>(c)->monotonic; };
        table_.wall_ns = [](void* c) -> int64_t { return static_cast<FakeHost*>(c)->wall; };
        table_.complete = [](void* c, uint64_t token, int32_t outcome) {
            auto* self = static_cast<FakeHost*>(c);
            const std::lock_guard guard{self->lock_};
            self->completed_.emplace_back(token, outcome);
            if (self->on_complete) self->on_complete();
        };
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;

    [[nodiscard]] fluxgate::stage::Host host() const { return fluxgate::stage::Host{&table_}; }

    using Completed = std::vector<std::pair<std::uint64_t, std::int32_t>>;
    Completed completed() {
        const std::lock_guard guard{lock_};
        return completed_;
    }

    std::int64_t monotonic = 1'000'000'000'000;
    std::int64_t wall = 1'795'255'327'000'000'000; // 2026-11-21T10:02:07Z
    std::vector<std::string> dead_letters;
    bool refuse_dead_letters = false;
    std::function<void()> on_complete;

private:
    fg_host table_{};
    std::mutex lock_;
    Completed completed_;
};

// A batch of messages, with payload spans; counts its releases.
class Messages {
public:
    explicit Messages(std::uint32_t partition = 0, std::uint64_t sequence = 1) {
        batch_.partition = partition;
        batch_.sequence = sequence;
    }

    // {"id":N,"payload":PAYLOAD}
    Messages& add(const std::string& payload, const std::string& id = "1") {
        const std::string head = "{\"id\":" + id + ",\"payload\":";
        fg_span span{};
        span.offset = static_cast<std::uint32_t>(text_.size());
        span.payload_offset = static_cast<std::uint32_t>(text_.size() + head.size());
        span.payload_size = static_cast<std::uint32_t>(payload.size());
        text_ += head + payload + "}";
        span.size = static_cast<std::uint32_t>(text_.size()) - span.offset;
        text_ += '\n';
        spans_.push_back(span);
        return *this;
    }

    // The batch as an output gets it: the memory is the batch's own.
    fg_batch make(int* releases = nullptr) const {
        struct Owned {
            std::string text;
            std::vector<fg_span> spans;
            int* releases;
        };
        auto* owned = new Owned{text_, spans_, releases};
        fg_batch out = batch_;
        out.text = owned->text.data();
        out.text_size = owned->text.size();
        out.messages = owned->spans.data();
        out.count = static_cast<std::uint32_t>(owned->spans.size());
        out.private_data = owned;
        out.release = [](fg_batch* batch) {
            auto* self = static_cast<Owned*>(batch->private_data);
            if (self->releases != nullptr) ++*self->releases;
            delete self;
            batch->release = nullptr;
        };
        return out;
    }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    std::vector<fg_span> spans_;
    fg_batch batch_{};
};

} // namespace core_test
