#include "runtime/shared_batch.hpp"

#include <string>

namespace fluxgate::runtime {

namespace {

Error broken(const std::string& what) {
    return {Errc::plugin, "the stage made a batch that breaks the contract: " + what};
}

} // namespace

Result<void> check_batch(const fg_batch& batch, std::uint32_t partition_count) {
    if (batch.partition >= partition_count) return broken("partition " + std::to_string(batch.partition) + " of " + std::to_string(partition_count));
    if (batch.text_size > UINT32_MAX) return broken("its text has more than 4 GiB");
    if (batch.text_size > 0 && batch.text == nullptr) return broken("its text is null");
    if (batch.count > 0 && batch.messages == nullptr) return broken("its list of messages is null");
    std::uint64_t at = 0;
    for (std::uint32_t i = 0; i < batch.count; ++i) {
        const fg_span& span = batch.messages[i];
        const std::uint64_t end = at + span.size;
        if (span.offset != at || end >= batch.text_size || batch.text[end] != '\n')
            return broken("message " + std::to_string(i) + " (offset " + std::to_string(span.offset) + ", size " + std::to_string(span.size) +
                          ") does not stand right behind the one before it and before a line feed");
        if (span.payload_offset < span.offset || std::uint64_t{span.payload_offset} + span.payload_size > end)
            return broken("the payload of message " + std::to_string(i) + " does not lie inside the message");
        at = end + 1;
    }
    if (at != batch.text_size) return broken("its text goes on behind the last message");
    return {};
}

} // namespace fluxgate::runtime
