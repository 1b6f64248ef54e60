#include "fluxgate/pipeline.hpp"

#include "config/json_text.hpp"
#include "config/pipeline_document.hpp"
#include "runtime/engine.hpp"
#include "runtime/host_shared.hpp"
#include "runtime/violations.hpp"

namespace fluxgate {

class Pipeline::Impl {
public:
    Impl(std::shared_ptr<runtime::Engine> made, std::vector<Violation> found) : engine(std::move(made)), warnings(std::move(found)) {}
    std::shared_ptr<runtime::Engine> engine;
    std::vector<Violation> warnings;
};

Pipeline::Pipeline(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;

Pipeline& Pipeline::operator=(Pipeline&& other) noexcept {
    if (this != &other) {
        const Pipeline old{std::move(impl_)};
        impl_ = std::move(other.impl_);
    }
    return *this;
}

Pipeline::~Pipeline() {
    if (!impl_) return;
    // What cannot be stopped was logged, and is the outcome nobody can ask for any more.
    [[maybe_unused]] const auto stopped = impl_->engine->stop(std::chrono::seconds{5});
}

Result<Pipeline> Pipeline::create(Host& host, std::string_view document, PipelineOptions options) {
    config::ParsedPipeline parsed = config::parse_pipeline(document, host.shared()->registry);
    if (!parsed.document) return runtime::configuration_error("the pipeline document is not valid", parsed.violations);
    auto engine = runtime::Engine::create(host.shared(), std::move(*parsed.document), std::move(options));
    if (!engine.ok()) return std::move(engine).error();
    for (const Violation& warning : parsed.violations)
        host.log(LogLevel::warning, "document.warning", warning.message, {{"pipeline", (*engine)->options().id}, {"pointer", warning.pointer}});
    return Pipeline{std::make_unique<Impl>(std::move(*engine), std::move(parsed.violations))};
}

Result<Pipeline> Pipeline::create_feeding(Host& host, std::string_view document, std::string_view stage, Feed feed, PipelineOptions options) {
    if (!feed.next || !feed.settled) return Error{Errc::invalid_argument, "a feed needs next and settled"};
    config::ParsedPipeline parsed = config::parse_pipeline(document, host.shared()->registry);
    if (!parsed.document) return runtime::configuration_error("the pipeline document is not valid", parsed.violations);
    std::optional<config::PipelineDocument> rest = runtime::document_from(*parsed.document, stage);
    if (!rest) return Error{Errc::configuration, "the document has no stage \"" + std::string{stage} + "\" that could be fed"};
    // The source itself knows how many partitions there are; it is made for that, and never run.
    const auto whole = runtime::Engine::create(host.shared(), std::move(*parsed.document), options);
    if (!whole.ok()) return whole.error();
    const std::uint32_t partitions = (*whole)->partition_count();
    auto engine = runtime::Engine::create_with(runtime::feeding(std::move(feed), partitions), host.shared(), std::move(*rest), std::move(options));
    if (!engine.ok()) return std::move(engine).error();
    return Pipeline{std::make_unique<Impl>(std::move(*engine), std::move(parsed.violations))};
}

Validation Pipeline::validate(Host& host, std::string_view document) {
    config::ParsedPipeline parsed = config::parse_pipeline(document, host.shared()->registry);
    Validation out;
    out.violations = std::move(parsed.violations);
    out.valid = parsed.document.has_value();
    if (out.valid) {
        out.enabled = parsed.document->enabled;
        out.display_name = parsed.document->display_name;
        out.name = parsed.document->name.value_or("");
        for (const config::StageNode& node : parsed.document->stages)
            out.stages.push_back(node.id);
        const config::JsonText source = config::parse_json(parsed.document->input.document);
        out.incremental = source.parsed && source.dom.IsObject() && source.dom.HasMember("incremental");
    }
    return out;
}

const std::string& Pipeline::id() const noexcept {
    return impl_->engine->options().id;
}
bool Pipeline::enabled() const noexcept {
    return impl_->engine->enabled();
}
std::uint32_t Pipeline::partition_count() const noexcept {
    return impl_->engine->partition_count();
}
const std::vector<Violation>& Pipeline::warnings() const noexcept {
    return impl_->warnings;
}
Result<void> Pipeline::start() {
    return impl_->engine->start();
}
Result<void> Pipeline::stop(std::chrono::nanoseconds timeout) {
    return impl_->engine->stop(timeout);
}
void Pipeline::request_stop() {
    impl_->engine->request_stop();
}
Result<ReloadReport> Pipeline::reload(std::string_view document, std::chrono::nanoseconds timeout) {
    config::ParsedPipeline parsed = config::parse_pipeline(document, impl_->engine->catalog());
    if (!parsed.document) return runtime::configuration_error("the pipeline document is not valid", parsed.violations);
    auto report = impl_->engine->reload(std::move(*parsed.document), timeout);
    if (report.ok()) report->warnings = std::move(parsed.violations);
    return report;
}
std::optional<std::string> Pipeline::stalled(std::chrono::nanoseconds limit) const {
    return impl_->engine->stalled(limit);
}
void Pipeline::wait() {
    impl_->engine->wait_until(std::nullopt);
}
bool Pipeline::wait_for(std::chrono::nanoseconds timeout) {
    return impl_->engine->wait_until(std::chrono::steady_clock::now() + timeout);
}
PipelineState Pipeline::state() const {
    return impl_->engine->state();
}
std::optional<Outcome> Pipeline::outcome() const {
    return impl_->engine->outcome();
}
PipelineCounters Pipeline::counters() const {
    return impl_->engine->counters();
}
std::vector<StageHealth> Pipeline::health() const {
    return impl_->engine->health();
}
PipelineStatus Pipeline::status() const {
    return impl_->engine->status();
}

} // namespace fluxgate
