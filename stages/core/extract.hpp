// What of each message is written: the `path` of an output applied to a batch.
#pragma once

#include "fluxgate/stage.hpp"
#include "jsonpath/json_path.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace fluxgate::core {

// A message of the batch that cannot be written, put on record as a dead letter. An error is the host's refusal of that record.
inline Result<void> put_aside(stage::Host host, const fg_batch& batch, std::string_view code, std::string_view text, std::string_view message) {
    fg_dead_letter letter{};
    letter.code = stage::to_text(code);
    letter.text = stage::to_text(text);
    letter.partition = batch.partition;
    letter.sequence = batch.sequence;
    letter.raw = stage::to_text(message);
    return host.dead_letter(letter);
}

// Calls sink(std::string_view document) for each message in order. A message in which the path cannot be followed (a
// step into a number, say) is put on record as the dead letter "path-mismatch" and left out; an error is the host's
// refusal of that record. Not for the identity path: its text is the batch's own.
template <class Sink>
Result<void> for_each_document(const fg_batch& batch, const jsonpath::JsonPath& path, stage::Host host, std::string_view stage_id, Sink&& sink) {
    for (std::uint32_t i = 0; i < batch.count; ++i) {
        const fg_span& span = batch.messages[i];
        const std::string_view message{batch.text + span.offset, span.size};
        if (path.is_identity()) {
            sink(message);
            continue;
        }
        if (path.is_payload() && span.payload_size > 0) {
            sink(std::string_view{batch.text + span.payload_offset, span.payload_size});
            continue;
        }
        const Result<std::string_view> found = path.find(message);
        if (found.ok()) {
            sink(*found);
            continue;
        }
        const std::string text =
            "output stage \"" + std::string{stage_id} + "\": path " + path.text() + " cannot be followed in the message: " + found.error().message;
        if (Result<void> recorded = put_aside(host, batch, "path-mismatch", text, message); !recorded.ok()) return recorded;
    }
    return {};
}

} // namespace fluxgate::core
