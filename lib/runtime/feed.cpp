#include "runtime/feed.hpp"

#include "jsonpath/json_path.hpp"

#include "fluxgate/stage.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

namespace fluxgate::runtime {

namespace {

// A message as a batch of one.
struct Single {
    std::string text;
    fg_span span{};
};

class FeedSource final : public stage::Source {
public:
    FeedSource(Feed feed, std::uint32_t partition_count, stage::Host host)
        : feed_(std::move(feed)), partition_count_(partition_count), host_(host), payload_(*jsonpath::JsonPath::compile(".payload")) {}

    // The table wants one; only the host makes this stage, for a feed does not fit into a document.
    static Result<std::unique_ptr<FeedSource>> create(const stage::Config&, stage::Host) {
        return Error{Errc::not_implemented, "a feed is made by the host only"};
    }
    [[nodiscard]] std::uint32_t partition_count() const override { return partition_count_; }

    Result<stage::Next> next(std::int64_t, fg_batch& batch) override {
        if (cancelled_) return Error{Errc::cancelled, "cancelled"};
        std::optional<FedMessage> message = feed_.next();
        if (!message) return stage::Next::ended;
        if (message->partition >= partition_count_ || message->text.empty() || message->text.find('\n') != std::string::npos)
            return Error{Errc::invalid_argument, "the message " + std::to_string(message->number) + " cannot be fed: its partition is " +
                                                     std::to_string(message->partition) + " of " + std::to_string(partition_count_) +
                                                     ", or it is not one line of JSON"};
        const Result<std::string_view> payload = payload_.find(message->text);
        if (!payload.ok() && payload.error().code != Errc::jq)
            return Error{Errc::invalid_argument, "the message " + std::to_string(message->number) + " cannot be fed: " + payload.error().message};
        auto single = std::make_unique<Single>();
        single->span.size = static_cast<std::uint32_t>(message->text.size());
        if (payload.ok() && payload->data() >= message->text.data() && payload->data() < message->text.data() + message->text.size()) {
            single->span.payload_offset = static_cast<std::uint32_t>(payload->data() - message->text.data());
            single->span.payload_size = static_cast<std::uint32_t>(payload->size());
        }
        single->text = std::move(message->text) + '\n';
        numbers_[++sequence_] = message->number;
        fill(batch, std::move(single), message->partition);
        return stage::Next::batch;
    }

    Result<void> acknowledge(std::uint64_t sequence, fg_outcome outcome) override {
        const auto at = numbers_.find(sequence);
        if (at == numbers_.end()) return Error{Errc::internal, "a message that was not fed was acknowledged"};
        const std::uint64_t number = at->second;
        numbers_.erase(at);
        return feed_.settled(number, outcome == FG_DELIVERED);
    }

    void cancel() noexcept override { cancelled_ = true; }
    void wake() noexcept override {} // next never waits

private:
    void fill(fg_batch& batch, std::unique_ptr<Single> single, std::uint32_t partition) const {
        batch.sequence = sequence_;
        batch.partition = partition;
        batch.count = 1;
        batch.text = single->text.data();
        batch.text_size = single->text.size();
        batch.messages = &single->span;
        batch.received_ns = host_.wall_ns();
        batch.private_data = single.release();
        batch.release = [](fg_batch* self) {
            delete static_cast<Single*>(self->private_data);
            self->release = nullptr;
        };
    }

    Feed feed_;
    const std::uint32_t partition_count_;
    stage::Host host_;
    const jsonpath::JsonPath payload_;
    std::atomic<bool> cancelled_{false};
    std::uint64_t sequence_ = 0;
    std::map<std::uint64_t, std::uint64_t> numbers_; // of what is out, by sequence
};

} // namespace

std::optional<config::PipelineDocument> document_from(const config::PipelineDocument& document, std::string_view stage) {
    std::map<std::string_view, const config::StageNode*> nodes;
    for (const config::StageNode& node : document.stages)
        nodes[node.id] = &node;
    if (nodes.count(stage) == 0) return std::nullopt;
    std::set<std::string_view> reached{stage};
    std::vector<std::string_view> open{stage};
    while (!open.empty()) {
        const config::StageNode& node = *nodes.at(open.back());
        open.pop_back();
        for (const std::string& next : node.next)
            if (reached.insert(next).second) open.push_back(next);
    }
    config::PipelineDocument out = document;
    out.input.type = "host/feed";
    out.input.document = "{}";
    out.input.next = {std::string{stage}};
    out.stages.clear();
    for (const config::StageNode& node : document.stages)
        if (reached.count(node.id) != 0) out.stages.push_back(node);
    return out;
}

SourceMaker feeding(Feed feed, std::uint32_t partition_count) {
    return [feed = std::move(feed), partition_count](StageContext& context) -> Result<std::unique_ptr<SourceInstance>> {
        auto type = std::make_shared<StageType>();
        type->info.name = "host/feed";
        type->source = *stage::source_api<FeedSource>();
        return SourceInstance::adopt(std::move(type), context, new FeedSource{feed, partition_count, stage::Host{context.table()}});
    };
}

} // namespace fluxgate::runtime
