// Pipeline::check, schema and plan: the source of a document tries what it needs, or says what is there or what it would do next, in lines.
#include "config/json_text.hpp"
#include "config/pipeline_document.hpp"
#include "runtime/host_shared.hpp"
#include "runtime/instances.hpp"
#include "runtime/state_access.hpp"
#include "runtime/violations.hpp"

#include "fluxgate/pipeline.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace fluxgate {

namespace {

using Line = std::function<bool(std::string_view)>;

// Nothing runs meanwhile, so there is nobody to tell. The state is looked at and not changed.
class NoOwner final : public runtime::StageOwner {
public:
    explicit NoOwner(const StatePlace& place) : state_access_(place.directory, place.pipeline, runtime::StateAccess::Mode::look) {}

    runtime::StateAccess* state_store() noexcept override { return &state_access_; }
    Result<void> dead_letter(runtime::StageContext&, const fg_dead_letter&) override {
        return Error{Errc::dead_letter, "a check keeps no dead letters"};
    }
    void complete(runtime::StageContext& stage, std::uint64_t, std::int32_t) override {
        stage.log(LogLevel::error, "output.token", "a source completed a token; only outputs have tokens");
    }
    void health_changed() override {}

private:
    runtime::StateAccess state_access_;
};

std::string configuration_line(const std::vector<Violation>& found, bool valid, std::int64_t took_ns) {
    std::string text = valid ? "valid" : "not valid";
    for (const Violation& v : found)
        text += std::string{"\n"} + (v.warning ? "warning" : "error") + (v.pointer.empty() ? "" : " at " + v.pointer) + ": " + v.message;
    const char* status = !valid ? "failed" : found.empty() ? "ok" : "warning";
    char milliseconds[32];
    std::snprintf(milliseconds, sizeof milliseconds, "%.1f", static_cast<double>(took_ns) / 1e6);
    std::string out = std::string{R"({"step":"configuration","status":")"} + status + R"(","milliseconds":)" + milliseconds + R"(,"text":)";
    stage::detail::append_json_string(out, text);
    out += R"(,"cause":)";
    stage::detail::append_json_string(out, valid ? "" : "the document breaks the rules that are listed");
    out += R"(,"next":)";
    stage::detail::append_json_string(out, valid ? "" : "correct the document");
    return out += '}';
}

// What the stage's callback needs: a line is shown without secrets, and an exception of the program's does not cross the ABI.
struct Relay {
    const Host::Shared& host;
    const Line& line;
    bool unwanted = false;
    std::exception_ptr thrown = nullptr;

    static std::int32_t take(void* context, fg_text json) noexcept {
        Relay& self = *static_cast<Relay*>(context);
        try {
            self.unwanted = self.unwanted || !self.line(self.host.redactor.apply(stage::to_view(json)));
        } catch (...) {
            self.thrown = std::current_exception();
            self.unwanted = true;
        }
        return self.unwanted ? 1 : 0;
    }
};

// Makes the document's source and calls an entry of it that writes lines.
template <class Entry>
Result<void> ask_source(const std::shared_ptr<Host::Shared>& shared, const config::StageNode& input, const char* what, std::int64_t deadline_ns,
                        const StatePlace& place, const Line& line, Entry entry) {
    const auto type = shared->registry.find(input.type);
    if (!type) return Error{Errc::unknown_stage, "no plugin offers the stage type \"" + input.type + "\" of the stage \"" + input.id + "\""};
    NoOwner owner{place};
    runtime::StageContext context{shared, owner, what, input.id, std::nullopt};
    auto source = runtime::SourceInstance::create(type, context, {input.document, what, true, 0, 1});
    if (!source.ok()) return std::move(source).error();
    Relay relay{*shared, line};
    Result<void> done = ((**source).*entry)(deadline_ns, &Relay::take, &relay);
    Result<void> stopped = (*source)->stop();
    source->reset();
    if (relay.thrown) std::rethrow_exception(relay.thrown);
    if (relay.unwanted) return Error{Errc::cancelled, std::string{"the "} + what + " was ended early"};
    return done.ok() ? std::move(stopped) : std::move(done);
}

std::int64_t deadline_of(std::int64_t began, std::chrono::nanoseconds timeout) {
    return began + std::min<std::int64_t>(timeout.count(), std::int64_t{1} << 61); // so that the sum is an instant
}

// The source's object with the members of `scope` in its `schema` setting.
Result<std::string> with_scope(const std::string& document, std::string_view scope) {
    config::JsonText object = config::parse_json(document);
    config::JsonText setting = config::parse_json(scope);
    if (!setting.parsed || !setting.dom.IsObject())
        return Error{Errc::invalid_argument, "the scope of a schema is no JSON object: " + std::string{scope.substr(0, 200)}};
    auto& allocator = object.dom.GetAllocator();
    if (!object.dom.HasMember("schema")) object.dom.AddMember("schema", rapidjson::Value{rapidjson::kObjectType}, allocator);
    rapidjson::Value& into = object.dom["schema"];
    for (const auto& member : std::as_const(setting.dom).GetObject()) {
        into.RemoveMember(member.name);
        into.AddMember(rapidjson::Value{member.name, allocator}, rapidjson::Value{member.value, allocator}, allocator);
    }
    return config::to_text(object.dom);
}

} // namespace

Result<void> Pipeline::check(Host& host, std::string_view document, std::chrono::nanoseconds timeout, const Line& line) {
    const std::shared_ptr<Host::Shared>& shared = host.shared();
    const std::int64_t began = shared->monotonic_ns();
    const config::ParsedPipeline parsed = config::parse_pipeline(document, shared->registry, shared->reading());
    const bool wanted = line(configuration_line(parsed.violations, parsed.document.has_value(), shared->monotonic_ns() - began));
    if (!parsed.document) return runtime::configuration_error("the pipeline document is not valid", parsed.violations);
    if (!wanted) return Error{Errc::cancelled, "the check was ended early"};
    return ask_source(shared, parsed.document->input, "check", deadline_of(began, timeout), {}, line, &runtime::SourceInstance::check);
}

Result<void> Pipeline::schema(Host& host, std::string_view document, std::string_view scope, std::chrono::nanoseconds timeout, const Line& line) {
    const std::shared_ptr<Host::Shared>& shared = host.shared();
    const std::int64_t began = shared->monotonic_ns();
    config::ParsedPipeline parsed = config::parse_pipeline(document, shared->registry, shared->reading());
    if (!parsed.document) return runtime::configuration_error("the pipeline document is not valid", parsed.violations);
    config::StageNode& input = parsed.document->input;
    if (!scope.empty()) {
        Result<std::string> changed = with_scope(input.document, scope);
        if (!changed.ok()) return std::move(changed).error();
        input.document = *std::move(changed);
        const std::vector<Violation> found = shared->registry.validate(input.type, input.document);
        if (std::any_of(found.begin(), found.end(), [](const Violation& v) { return !v.warning; }))
            return runtime::configuration_error("the pipeline document is not valid with this scope", found);
    }
    return ask_source(shared, input, "schema", deadline_of(began, timeout), {}, line, &runtime::SourceInstance::schema);
}

Result<void> Pipeline::plan(Host& host, std::string_view document, std::chrono::nanoseconds timeout, const Line& line, const StatePlace& place) {
    const std::shared_ptr<Host::Shared>& shared = host.shared();
    const std::int64_t began = shared->monotonic_ns();
    const config::ParsedPipeline parsed = config::parse_pipeline(document, shared->registry, shared->reading());
    if (!parsed.document) return runtime::configuration_error("the pipeline document is not valid", parsed.violations);
    return ask_source(shared, parsed.document->input, "plan", deadline_of(began, timeout), place, line, &runtime::SourceInstance::plan);
}

} // namespace fluxgate
