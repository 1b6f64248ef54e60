// output/stdout@v1: one JSON document a line on standard output.
#pragma once

#include "core/line_writer.hpp"
#include "fluxgate/stage.hpp"
#include "jsonpath/json_path.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::core {

struct StdoutSettings {
    jsonpath::JsonPath path; // format.path, "." by default
};

struct ParsedStdoutSettings {
    std::optional<StdoutSettings> settings; // present when no violation is an error
    std::vector<stage::Violation> violations;
};

// Schema (schemas/output.stdout.v1.json), then meaning. No I/O.
ParsedStdoutSettings parse_stdout_settings(std::string_view document);
std::vector<stage::Violation> validate_stdout(std::string_view document);
std::string_view stdout_schema() noexcept;

// A batch counts as delivered when write(2) took all of it. While the reader does not, one batch of the whole process
// waits and `write` answers busy: the queues behind fill and the source is not asked for more.
class StdoutOutput final : public stage::Output {
public:
    static Result<std::unique_ptr<StdoutOutput>> create(const stage::Config& config, stage::Host host);

    StdoutOutput(StdoutSettings settings, std::string stage_id, stage::Host host, LineWriter& writer)
        : settings_(std::move(settings)), stage_id_(std::move(stage_id)), host_(host), writer_(writer) {}
    StdoutOutput(const StdoutOutput&) = delete;
    StdoutOutput& operator=(const StdoutOutput&) = delete;
    ~StdoutOutput() override { writer_.abandon(this); }

    Result<stage::Written> write(fg_batch& batch, std::uint64_t token) override;
    Result<void> poll(std::int64_t timeout_ns, std::int64_t& next_deadline_ns) override;
    Result<stage::Flushed> flush(std::int64_t deadline_ns) override;

private:
    Result<void> prepare(const fg_batch& batch, std::uint64_t token);

    StdoutSettings settings_;
    std::string stage_id_;
    stage::Host host_;
    LineWriter& writer_;
    bool refused_ = false; // the last write was answered with busy
    // Lines made for a batch that was then refused: kept, so that its dead letters are not put on record twice.
    std::string made_;
    std::optional<std::uint64_t> made_for_;
};

} // namespace fluxgate::core
