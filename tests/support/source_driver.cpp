#include "support/source_driver.hpp"
#include "support/paths.hpp"

#include <algorithm>
#include <chrono>
#include <dlfcn.h>
#include <stdexcept>

namespace fluxgate::test {

namespace {

using stage::to_view;

std::string text(fg_text t) {
    return std::string{to_view(t)};
}

RecordingHost& self(void* context) {
    return *static_cast<RecordingHost*>(context);
}

} // namespace

RecordingHost::RecordingHost() {
    table_.size = sizeof(fg_host);
    table_.abi_version = FLUXGATE_ABI_VERSION;
    table_.context = this;
    table_.log = [](void* c, std::int32_t level, fg_text event, fg_text message, const fg_field* fields, std::size_t count) {
        std::string line = std::to_string(level) + " " + text(event) + " " + text(message);
        for (std::size_t i = 0; i < count; ++i)
            line += " " + text(fields[i].name) + "=" + text(fields[i].value);
        const std::lock_guard lock{self(c).mutex_};
        self(c).log_.push_back(line);
    };
    table_.resolve_secret = [](void* c, fg_text name, fg_secret* out, fg_error* error) -> std::int32_t {
        const std::lock_guard lock{self(c).mutex_};
        const auto found = self(c).secrets_.find(text(name));
        if (found == self(c).secrets_.end()) return stage::fill_error(error, Error{Errc::secret, "the secret \"" + text(name) + "\" is not there"});
        auto* copy = new std::string{found->second};
        out->data = copy->data();
        out->size = copy->size();
        out->private_data = copy;
        out->release = [](fg_secret* s) { delete static_cast<std::string*>(s->private_data); };
        return FG_OK;
    };
    table_.state_get = [](void* c, fg_text key, fg_blob* out, fg_error*) -> std::int32_t {
        const std::lock_guard lock{self(c).mutex_};
        const auto found = self(c).state_.find(text(key));
        if (found == self(c).state_.end()) return FG_OK;
        auto* copy = new std::string{found->second};
        *out = {copy->data(), copy->size(), copy, [](fg_blob* b) { delete static_cast<std::string*>(b->private_data); }};
        return FG_OK;
    };
    table_.state_commit = [](void* c, const fg_state_change* changes, std::size_t count, fg_error* error) -> std::int32_t {
        const std::lock_guard lock{self(c).mutex_};
        if (self(c).refuse_state_) return stage::fill_error(error, Error{Errc::state, "the disk is full"});
        ++self(c).commits_;
        self(c).durable_letters_ = self(c).letters_.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (changes[i].erase != 0) {
                self(c).state_.erase(text(changes[i].key));
            } else {
                self(c).state_[text(changes[i].key)] = text(changes[i].value);
            }
        }
        return FG_OK;
    };
    table_.metric = [](void* c, std::int32_t kind, fg_text name, const fg_field*, std::size_t, double value) {
        const std::lock_guard lock{self(c).mutex_};
        double& slot = self(c).metrics_[text(name)];
        slot = kind == FG_METRIC_COUNTER ? slot + value : value;
    };
    table_.dead_letter = [](void* c, const fg_dead_letter* letter, fg_error* error) -> std::int32_t {
        const std::lock_guard lock{self(c).mutex_};
        if (self(c).refuse_letters_) return stage::fill_error(error, Error{Errc::dead_letter, "the dead letter cannot be written"});
        self(c).letters_.push_back({text(letter->code), text(letter->text), text(letter->raw), letter->truncated != 0});
        return FG_OK;
    };
    table_.set_health = [](void* c, std::int32_t level, fg_text code, fg_text words) {
        const std::lock_guard lock{self(c).mutex_};
        self(c).health_ = {level, text(code), text(words)};
        self(c).log_.push_back("health " + std::to_string(level) + " " + text(code) + " " + text(words));
    };
    table_.monotonic_ns = [](void* c) -> std::int64_t {
        return self(c).ahead_ns_ + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
    table_.wall_ns = [](void* c) -> std::int64_t {
        if (const std::int64_t fixed = self(c).wall_ns_; fixed != 0) return fixed;
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    };
    table_.complete = [](void*, std::uint64_t, std::int32_t) {};
}

void RecordingHost::set_secret(const std::string& name, const std::string& value) {
    const std::lock_guard lock{mutex_};
    secrets_[name] = value;
}

void RecordingHost::refuse_dead_letters() {
    const std::lock_guard lock{mutex_};
    refuse_letters_ = true;
}

void RecordingHost::advance(std::chrono::nanoseconds by) {
    ahead_ns_ += by.count();
}

void RecordingHost::set_wall(std::int64_t unix_ns) {
    wall_ns_ = unix_ns;
}

RecordingHost::State RecordingHost::state() const {
    const std::lock_guard lock{mutex_};
    return state_;
}

void RecordingHost::set_state(State state) {
    const std::lock_guard lock{mutex_};
    state_ = std::move(state);
}

void RecordingHost::refuse_state(bool refuse) {
    const std::lock_guard lock{mutex_};
    refuse_state_ = refuse;
}

std::size_t RecordingHost::commits() const {
    const std::lock_guard lock{mutex_};
    return commits_;
}

void RecordingHost::clear_log() {
    const std::lock_guard lock{mutex_};
    log_.clear();
}

std::vector<std::string> RecordingHost::log() const {
    const std::lock_guard lock{mutex_};
    return log_;
}

std::string RecordingHost::all_output() const {
    const std::lock_guard lock{mutex_};
    std::string all;
    for (const std::string& line : log_)
        all += line + "\n";
    for (const Letter& l : letters_)
        all += l.code + l.text + l.raw + "\n";
    for (const auto& [name, value] : metrics_)
        all += name + std::to_string(value) + "\n";
    return all;
}

std::vector<RecordingHost::Letter> RecordingHost::letters() const {
    const std::lock_guard lock{mutex_};
    return letters_;
}

std::size_t RecordingHost::durable_letters() const {
    const std::lock_guard lock{mutex_};
    return durable_letters_;
}

RecordingHost::Health RecordingHost::health() const {
    const std::lock_guard lock{mutex_};
    return health_;
}

double RecordingHost::metric(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    const auto found = metrics_.find(name);
    return found == metrics_.end() ? 0 : found->second;
}

const fg_stage_type* load_stage_type(const std::string& plugin_file, std::string_view name) {
    const std::string path = std::string{FLUXGATE_BINARY_DIR} + "/lib/fluxgate/stages/" + plugin_file;
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto init = reinterpret_cast<fg_plugin_init_fn>(dlsym(library, FLUXGATE_PLUGIN_SYMBOL));
    if (init == nullptr) throw std::runtime_error("no " FLUXGATE_PLUGIN_SYMBOL " in " + path);
    fg_plugin plugin{};
    plugin.size = sizeof plugin;
    if (init(FLUXGATE_ABI_VERSION, &plugin, nullptr) != FG_OK)
        throw std::runtime_error("the plugin refused version " + std::to_string(FLUXGATE_ABI_VERSION));
    for (std::size_t i = 0; i < plugin.type_count; ++i) {
        if (to_view(plugin.types[i]->name) == name) return plugin.types[i];
    }
    throw std::runtime_error("no such stage type in " + path);
}

SourceDriver::SourceDriver(RecordingHost& host, const std::string& document, bool once, std::uint32_t more_flags) {
    api_ = static_cast<const fg_source_api*>(load_stage_type("fluxgate_stage_influxdb.so", "input/influxdbv2@v1")->api);
    fg_stage_config config{};
    config.size = sizeof config;
    config.flags = (once ? static_cast<std::uint32_t>(FG_RUN_ONCE) : 0u) | more_flags;
    config.document = stage::to_text(document);
    config.pipeline_id = stage::to_text("test");
    config.instance_id = stage::to_text("test");
    config.stage_id = stage::to_text("input");
    config.partition_count = 1;
    stage::ErrorSlot slot;
    const std::int32_t code = api_->create(&config, host.table(), &stage_, slot.get());
    if (code != FG_OK) {
        const Error error = slot.take(code);
        throw std::runtime_error(error.text() + " " + error.details);
    }
}

SourceDriver::~SourceDriver() {
    if (stage_ == nullptr) return;
    api_->stop(stage_, nullptr);
    api_->release(stage_);
}

void SourceDriver::take(fg_batch& batch) {
    if (batch.sequence <= last_sequence_) throw std::runtime_error("sequence numbers do not rise");
    last_sequence_ = batch.sequence;
    ++batches_;
    std::uint32_t at = 0;
    for (std::uint32_t i = 0; i < batch.count; ++i) {
        const fg_span& s = batch.messages[i];
        if (s.offset != at || batch.text[s.offset + s.size] != '\n') throw std::runtime_error("the batch's text is not JSON Lines");
        if (s.payload_offset < s.offset || s.payload_offset + s.payload_size > s.offset + s.size)
            throw std::runtime_error("a payload lies outside its message");
        at = s.offset + s.size + 1;
        messages_.push_back({batch.sequence, batch.partition, {batch.text + s.offset, s.size}, {batch.text + s.payload_offset, s.payload_size}});
    }
    if (at != batch.text_size || batch.count == 0) throw std::runtime_error("the batch's text holds more than its messages");
    const std::uint64_t sequence = batch.sequence;
    if (batch.release != nullptr) batch.release(&batch);
    if (holds_) {
        held_.push_back(sequence);
    } else {
        api_->acknowledge(stage_, sequence, FG_DELIVERED, nullptr);
    }
}

void SourceDriver::acknowledge(std::uint64_t sequence, fg_outcome outcome) {
    held_.erase(std::find(held_.begin(), held_.end(), sequence));
    api_->acknowledge(stage_, sequence, outcome, nullptr);
}

void SourceDriver::acknowledge_all() {
    while (!held_.empty())
        acknowledge(held_.front());
}

std::int32_t SourceDriver::stop() {
    const std::int32_t code = api_->stop(stage_, nullptr);
    api_->release(stage_);
    stage_ = nullptr;
    return code;
}

SourceDriver::Got SourceDriver::next(std::chrono::nanoseconds timeout) {
    fg_batch batch{};
    stage::ErrorSlot slot;
    const std::int32_t code = api_->next(stage_, timeout.count(), &batch, slot.get());
    switch (code) {
    case FG_OK: take(batch); return Got::batch;
    case FG_NOTHING_YET: return Got::nothing;
    case FG_ENDED: return Got::ended;
    default: error_ = slot.take(code); return Got::error;
    }
}

SourceDriver::Got SourceDriver::run(std::chrono::milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    Got got = Got::nothing;
    while (got != Got::ended && got != Got::error && std::chrono::steady_clock::now() < end)
        got = next(std::chrono::milliseconds{20});
    return got;
}

bool SourceDriver::until_messages(std::size_t count, std::chrono::milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (messages_.size() < count) {
        if (std::chrono::steady_clock::now() >= end) return false;
        const Got got = next(std::chrono::milliseconds{20});
        if (got == Got::ended || got == Got::error) return messages_.size() >= count;
    }
    return true;
}

void SourceDriver::cancel() {
    api_->cancel(stage_);
}
void SourceDriver::wake() {
    api_->wake(stage_);
}

std::string influx_document(std::uint16_t port, const std::string& more) {
    return R"json({"displayName":"test","type":"input/influxdbv2@v1","url":"http://127.0.0.1","organization":"test-org","interval":"10ms",)json"
           R"json("query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},"format":{"type":"json"},)json"
           R"json("authentication":{"type":"accessToken","accessToken":"INFLUX_TOKEN"},"port":)json" +
           std::to_string(port) + more + "}";
}

} // namespace fluxgate::test
