#include "core/stdout_output.hpp"

#include "core/extract.hpp"

#include <algorithm>

namespace fluxgate::core {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t retry_after = 10 * ms; // while a batch waits for the reader
constexpr std::int64_t idle_after = 1000 * ms;

int to_ms(std::int64_t ns) {
    return static_cast<int>(std::clamp<std::int64_t>((ns + ms - 1) / ms, 0, 1000));
}

} // namespace

Result<std::unique_ptr<StdoutOutput>> StdoutOutput::create(const stage::Config& config, stage::Host host) {
    ParsedStdoutSettings parsed = parse_stdout_settings(config.document);
    if (!parsed.settings)
        return Error{Errc::configuration, "the configuration of output/stdout@v1 is not valid", {}, stage::violations_json(parsed.violations)};
    return std::make_unique<StdoutOutput>(*std::move(parsed.settings), std::string{config.stage_id}, host, LineWriter::standard_output());
}

// The lines of a batch whose path is not ".".
Result<void> StdoutOutput::prepare(const fg_batch& batch, std::uint64_t token) {
    if (made_for_ == token) return {};
    made_.clear();
    Result<void> done = for_each_document(batch, settings_.path, host_, stage_id_, [this](std::string_view document) {
        made_ += document;
        made_ += '\n';
    });
    if (done.ok()) made_for_ = token;
    return done;
}

Result<stage::Written> StdoutOutput::write(fg_batch& batch, std::uint64_t token) {
    const Result<bool> ready = writer_.ready();
    if (!ready.ok()) return ready.error();
    refused_ = !*ready;
    if (refused_) return stage::Written::busy;

    Block block;
    block.token = token;
    block.host = host_;
    if (!settings_.path.is_identity()) {
        if (Result<void> made = prepare(batch, token); !made.ok()) return made.error();
        block.made = std::move(made_);
        block.use_made = true;
    }
    block.batch = OwnedBatch{batch};
    const Result<bool> taken = writer_.write(block, this);
    if (taken.ok() && *taken) {
        batch = fg_batch{};
        made_for_.reset();
        return stage::Written::taken;
    }
    // Not taken: the batch is the host's again.
    if (block.use_made) made_ = std::move(block.made);
    batch = block.batch.give_back();
    refused_ = true;
    if (!taken.ok()) return taken.error();
    return stage::Written::busy;
}

Result<void> StdoutOutput::poll(std::int64_t timeout_ns, std::int64_t& next_deadline_ns) {
    // An idle partition only helps along what others left; it does not wait for them.
    const bool waits = refused_ || writer_.waits(this);
    const Result<bool> done = writer_.drain(waits ? to_ms(timeout_ns) : 0);
    if (!done.ok()) return done.error();
    if (*done) refused_ = false;
    next_deadline_ns = host_.monotonic_ns() + (*done ? idle_after : retry_after);
    return {};
}

Result<stage::Flushed> StdoutOutput::flush(std::int64_t deadline_ns) {
    while (writer_.waits(this)) {
        const std::int64_t left = deadline_ns - host_.monotonic_ns();
        const Result<bool> done = writer_.drain(to_ms(std::max<std::int64_t>(left, 0)));
        if (!done.ok()) return done.error();
        if (!*done && left <= 0) return stage::Flushed::not_yet;
    }
    return stage::Flushed::all;
}

} // namespace fluxgate::core
