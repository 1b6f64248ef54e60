#include "runtime/embedded_source.hpp"

#include "config/schema_check.hpp"
#include "runtime/host_shared.hpp"
#include "runtime/violations.hpp"

#include <rapidjson/document.h>

#include <exception>

namespace fluxgate {

// Ends what the batch owes when it goes.
class Batch::Content {
public:
    Content(std::shared_ptr<runtime::EmbeddedSource> source, const fg_batch& raw) : source_(std::move(source)), raw_(raw) {}
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    ~Content() {
        settle(FG_ABANDONED);
        if (raw_.release != nullptr) raw_.release(&raw_);
        source_->give_back(runtime::weight_of(raw_));
    }
    void settle(fg_outcome outcome) noexcept {
        if (!std::exchange(settled_, true)) source_->settle(raw_.sequence, outcome);
    }
    [[nodiscard]] const fg_batch& raw() const noexcept { return raw_; }

private:
    std::shared_ptr<runtime::EmbeddedSource> source_;
    fg_batch raw_;
    bool settled_ = false;
};

Batch::Batch() noexcept = default;
Batch::Batch(std::unique_ptr<Content> content) noexcept : content_(std::move(content)) {}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

std::uint64_t Batch::sequence() const noexcept {
    return content_ ? content_->raw().sequence : 0;
}
std::uint32_t Batch::partition() const noexcept {
    return content_ ? content_->raw().partition : 0;
}
std::int64_t Batch::received_ns() const noexcept {
    return content_ ? content_->raw().received_ns : 0;
}
std::size_t Batch::size() const noexcept {
    return content_ ? content_->raw().count : 0;
}
Message Batch::operator[](std::size_t index) const noexcept {
    const fg_batch& raw = content_->raw();
    const fg_span& span = raw.messages[index];
    return {{raw.text + span.offset, span.size}, {raw.text + span.payload_offset, span.payload_size}};
}
std::string_view Batch::json_lines() const noexcept {
    return content_ ? std::string_view{content_->raw().text, content_->raw().text_size} : std::string_view{};
}
void Batch::acknowledge() noexcept {
    if (content_) content_->settle(FG_DELIVERED);
}
void Batch::abandon() noexcept {
    if (content_) content_->settle(FG_ABANDONED);
}

} // namespace fluxgate

namespace fluxgate::runtime {

using std::chrono::steady_clock;

namespace {

std::string type_of(const std::string& document) {
    const config::JsonText json = config::parse_json(document);
    if (!json.parsed || !json.dom.IsObject()) return {};
    const auto at = json.dom.FindMember("type");
    return at != json.dom.MemberEnd() && at->value.IsString() ? std::string{at->value.GetString(), at->value.GetStringLength()} : std::string{};
}

} // namespace

EmbeddedSource::EmbeddedSource(std::shared_ptr<Host::Shared> host, std::string document, SourceOptions options)
    : host_(host), document_(std::move(document)), options_(std::move(options)), letters_(options_.dead_letter_file),
      state_access_(options_.state_directory, options_.id), context_(std::move(host), *this, options_.id, "input", std::nullopt) {}

EmbeddedSource::~EmbeddedSource() = default;

Result<std::shared_ptr<EmbeddedSource>> EmbeddedSource::create(std::shared_ptr<Host::Shared> host, std::string document, SourceOptions options) {
    std::shared_ptr<EmbeddedSource> self{new EmbeddedSource{std::move(host), std::move(document), std::move(options)}};
    const std::string name = type_of(self->document_);
    const auto type = self->host_->registry.find(name);
    if (!type || type->info.kind != FG_KIND_SOURCE) {
        std::string known;
        for (const StageTypeInfo& one : self->host_->registry.list())
            if (one.kind == FG_KIND_SOURCE) known += (known.empty() ? "\"" : ", \"") + one.name + '"';
        return Error{Errc::unknown_stage,
                     "/type: \"" + name + "\" is not a source that a loaded plugin offers; these are: " + (known.empty() ? "none" : known)};
    }
    auto source = SourceInstance::create(type, self->context_,
                                         {self->document_, self->options_.instance, self->options_.once, 0, 1, self->options_.accept_changed_query});
    if (!source.ok()) return std::move(source).error();
    self->source_ = std::move(*source);
    self->partition_count_ = self->source_->partition_count();
    return self;
}

void EmbeddedSource::start() {
    const std::scoped_lock joining{join_mutex_};
    thread_ = std::thread{[self = shared_from_this()] {
        self->run();
        const std::scoped_lock lock{self->mutex_};
        self->done_ = true;
        self->cv_.notify_all();
    }};
}

// Work that throws in the program's executor is the program's matter; a `post` that throws is not allowed to.
void EmbeddedSource::post(std::function<void()> work) {
    options_.post([self = shared_from_this(), work = std::move(work)] {
        const std::scoped_lock lock{self->handler_mutex_};
        if (!self->silent_) work();
    });
}

void EmbeddedSource::run() {
    Result<void> how;
    try {
        how = read();
    } catch (const std::exception& e) {
        how = Error{Errc::internal, std::string{"the host failed: "} + e.what()};
    }
    if (!how.ok()) context_.log(LogLevel::error, "source.failed", how.error().text());
    post([this, how] {
        if (options_.on_end) options_.on_end(how);
    });
    settle_rest();
    auto durable = letters_.sync();
    if (!durable.ok()) context_.log(LogLevel::error, "dead-letter.failed", durable.error().text());
    auto stopped = source_->stop();
    if (!stopped.ok()) context_.log(LogLevel::error, "source.stop", stopped.error().text());
    std::unique_ptr<SourceInstance> gone;
    {
        const std::scoped_lock lock{source_mutex_};
        gone = std::move(source_);
    }
    gone.reset();
    {
        const std::scoped_lock lock{mutex_};
        closed_ = true;
        cv_.notify_all();
    }
    post([this] {
        if (options_.on_closed) options_.on_closed();
    });
}

Result<void> EmbeddedSource::read() {
    for (;;) {
        bool room = false;
        {
            std::unique_lock lock{mutex_};
            const auto has_room = [this] { return bytes_ < options_.max_outstanding_bytes; };
            cv_.wait(lock, [&] { return cancelled_ || !acks_.empty() || has_room(); });
            if (cancelled_) return {};
            room = has_room();
        }
        auto acked = deliver_acks();
        if (!acked.ok()) return acked;
        if (lost_) return *lost_;
        if (!room) continue;
        fg_batch raw{};
        auto answer = source_->next(longest_next_ns, raw);
        if (!answer.ok()) {
            const std::scoped_lock lock{mutex_};
            if (cancelled_ && answer.error().code == Errc::cancelled) return {};
            return std::move(answer).error();
        }
        if (*answer == SourceAnswer::ended) return {};
        if (*answer == SourceAnswer::batch) hand_out(raw);
    }
}

void EmbeddedSource::hand_out(const fg_batch& raw) {
    {
        const std::scoped_lock lock{mutex_};
        out_.insert(raw.sequence);
        bytes_ += weight_of(raw);
    }
    // std::function wants to be copied, a batch does not.
    auto batch = std::make_shared<Batch>(std::make_unique<Batch::Content>(shared_from_this(), raw));
    post([this, batch] { options_.on_batch(std::move(*batch)); });
}

Result<void> EmbeddedSource::deliver_acks() {
    std::vector<std::pair<std::uint64_t, fg_outcome>> acks;
    {
        const std::scoped_lock lock{mutex_};
        acks.swap(acks_);
    }
    if (acks.empty()) return {};
    Result<void> result = letters_.sync();
    const bool durable = result.ok();
    for (const auto& [sequence, outcome] : acks) {
        auto taken = source_->acknowledge(sequence, durable ? outcome : FG_ABANDONED);
        if (!taken.ok() && result.ok()) result = std::move(taken);
    }
    return result;
}

// Until every batch is settled, or stop() abandons them.
void EmbeddedSource::settle_rest() {
    for (;;) {
        bool over = false;
        {
            std::unique_lock lock{mutex_};
            cv_.wait(lock, [this] { return !acks_.empty() || out_.empty() || abandon_rest_; });
            if (abandon_rest_) {
                for (const std::uint64_t sequence : out_)
                    acks_.emplace_back(sequence, FG_ABANDONED);
                out_.clear();
            }
            over = out_.empty();
        }
        auto acked = deliver_acks();
        if (!acked.ok()) context_.log(LogLevel::error, "source.acknowledge", acked.error().text());
        if (over) return;
    }
}

void EmbeddedSource::settle(std::uint64_t sequence, fg_outcome outcome) noexcept {
    const std::scoped_lock lock{mutex_};
    if (out_.erase(sequence) == 0) return;
    acks_.emplace_back(sequence, outcome);
    cv_.notify_all();
}

void EmbeddedSource::give_back(std::uint64_t weight) noexcept {
    const std::scoped_lock lock{mutex_};
    bytes_ -= weight;
    cv_.notify_all();
}

std::uint64_t EmbeddedSource::outstanding_bytes() const {
    const std::scoped_lock lock{mutex_};
    return bytes_;
}

void EmbeddedSource::cancel() {
    {
        const std::scoped_lock lock{mutex_};
        cancelled_ = true;
        cv_.notify_all();
    }
    const std::scoped_lock lock{source_mutex_};
    if (source_) source_->cancel();
}

Result<void> EmbeddedSource::stop(std::chrono::nanoseconds timeout) {
    const auto until = steady_clock::now() + timeout;
    cancel();
    bool done = false;
    {
        std::unique_lock lock{mutex_};
        abandon_rest_ = true;
        cv_.notify_all();
        done = cv_.wait_until(lock, until, [this] { return done_; });
    }
    const std::scoped_lock joining{join_mutex_};
    if (thread_.joinable()) {
        if (done)
            thread_.join();
        else
            thread_.detach();
    }
    if (done) return {};
    const char* entry = context_.entry.load(std::memory_order_relaxed);
    Error error{Errc::timeout, std::string{"the source could not be stopped in time: it has not returned from "} +
                                   (entry == nullptr ? "the host" : entry) + "; its thread is left behind"};
    context_.log(LogLevel::error, "source.stuck", error.message);
    return error;
}

void EmbeddedSource::silence() {
    const std::scoped_lock lock{handler_mutex_};
    silent_ = true;
}

Result<void> EmbeddedSource::dead_letter(StageContext& stage, const fg_dead_letter& letter) {
    auto kept = letters_.append(dead_letter_line(host_->wall_ns(), options_.id, stage.stage(), letter));
    if (kept.ok()) stage.dead_letters.fetch_add(1, std::memory_order_relaxed);
    return kept;
}

void EmbeddedSource::complete(StageContext& stage, std::uint64_t token, std::int32_t) {
    stage.log(LogLevel::error, "output.token", "a source completed a token; only outputs have tokens", {{"token", std::to_string(token)}});
}

} // namespace fluxgate::runtime

namespace fluxgate {

class Source::Impl {
public:
    std::shared_ptr<runtime::EmbeddedSource> core;
    std::vector<stage::Violation> warnings;
};

Source::Source(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Source::Source(Source&&) noexcept = default;

Source& Source::operator=(Source&& other) noexcept {
    if (this != &other) {
        const Source old{std::move(impl_)};
        impl_ = std::move(other.impl_);
    }
    return *this;
}

Source::~Source() {
    if (!impl_) return;
    impl_->core->silence();
    // What cannot be stopped was logged; there is nobody left to tell.
    [[maybe_unused]] const auto stopped = impl_->core->stop(std::chrono::seconds{5});
}

Result<Source> Source::open(Host& host, std::string_view document, SourceOptions options) {
    if (!options.post || !options.on_batch || !options.on_end) return Error{Errc::invalid_argument, "SourceOptions needs post, on_batch and on_end"};
    for (const std::string* name : {&options.id, &options.instance})
        if (!runtime::is_name(*name))
            return Error{Errc::invalid_argument, "the name \"" + *name + "\" may have letters, digits, '.', '_' and '-' only, and at least one"};
    config::PreparedDocument prepared = config::prepare_document(document, host.shared()->registry, host.shared()->reading());
    if (!prepared.json.parsed) return runtime::configuration_error("the source document is not valid", prepared.json.violations);
    const std::string text = config::to_text(prepared.json.dom);
    const std::string type = runtime::type_of(text);
    config::Findings findings;
    findings.add(prepared.json.violations);
    if (host.shared()->registry.kind_of(type) == FG_KIND_SOURCE)
        findings.add(config::without_hidden(host.shared()->registry.validate(type, text), prepared, document));
    auto impl = std::make_unique<Impl>();
    impl->warnings = std::move(findings).take(prepared.json.dom);
    if (config::has_error(impl->warnings)) return runtime::configuration_error("the source document is not valid", impl->warnings);
    auto core = runtime::EmbeddedSource::create(host.shared(), text, std::move(options));
    if (!core.ok()) return std::move(core).error();
    impl->core = std::move(*core);
    impl->core->start();
    return Source{std::move(impl)};
}

std::uint32_t Source::partition_count() const noexcept {
    return impl_->core->partition_count();
}
const std::vector<stage::Violation>& Source::warnings() const noexcept {
    return impl_->warnings;
}
std::uint64_t Source::outstanding_bytes() const noexcept {
    return impl_->core->outstanding_bytes();
}
void Source::cancel() {
    impl_->core->cancel();
}
Result<void> Source::stop(std::chrono::nanoseconds timeout) {
    return impl_->core->stop(timeout);
}

} // namespace fluxgate
