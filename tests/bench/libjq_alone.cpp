#include "scenarios.hpp"

extern "C" {
#include <jq.h>
#include <jv.h>
}

#include <memory>
#include <stdexcept>
#include <vector>

namespace fluxgate::bench {

namespace {

struct Teardown {
    void operator()(jq_state* state) const { jq_teardown(&state); }
};
using Jq = std::unique_ptr<jq_state, Teardown>;

std::vector<std::string> some_messages(const Target& target, std::uint64_t count) {
    std::vector<std::string> messages;
    source(target, [&](const fg_batch& batch) {
        for (std::uint32_t i = 0; i < batch.count && messages.size() < count; ++i)
            messages.emplace_back(batch.text + batch.messages[i].offset, batch.messages[i].size);
    });
    return messages;
}

} // namespace

Measured libjq_alone(const Target& target, std::uint64_t messages) {
    const std::vector<std::string> texts = some_messages(target, messages);
    const Jq jq{jq_init()};
    if (!jq || jq_compile(jq.get(), target.expression.c_str()) == 0) throw std::runtime_error("libjq refuses " + target.expression);
    Measured m;
    std::uint64_t outputs = 0;
    const Watch watch;
    for (const std::string& text : texts) {
        const jv message = jv_parse_sized(text.data(), static_cast<int>(text.size()));
        if (jv_is_valid(message) == 0) throw std::runtime_error("libjq cannot parse a message");
        jq_start(jq.get(), message, 0);
        jv value = jq_next(jq.get());
        while (jv_is_valid(value) != 0) {
            ++outputs;
            jv_free(value);
            value = jq_next(jq.get());
        }
        jv_free(value);
        m.bytes += text.size();
    }
    watch.stop(m);
    m.rows = texts.size();
    if (outputs != texts.size())
        throw std::runtime_error("libjq gave " + std::to_string(outputs) + " values for " + std::to_string(m.rows) + " messages");
    return m;
}

} // namespace fluxgate::bench
