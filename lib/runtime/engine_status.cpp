// What a running pipeline shows of itself.
#include "runtime/engine.hpp"

#include <map>
#include <utility>

namespace fluxgate::runtime {

void Engine::noted(const StageContext& stage, LogLevel level, std::string_view event, std::string_view message, const std::vector<LogField>& fields) {
    TroubleNote note{host_->wall_ns(), level, stage.stage(), std::string{event}, host_->redactor.apply(message), {}};
    for (const LogField& field : fields)
        if (field.name == "server_said") note.server_said = host_->redactor.apply(field.value);
    recent_.add(std::move(note));
}

PipelineStatus Engine::status() const {
    PipelineStatus out;
    out.id = options_.id;
    out.instance = options_.instance;
    out.counters = totals();
    recent_.copy_to(out);

    const std::scoped_lock lock{mutex_}; // whatever another document changes is seen as one
    count_locked(out.counters);
    out.display_name = document_.display_name;
    out.queue_max_bytes = document_.queue_max_bytes;
    out.queue_total_bytes = document_.queue_total_bytes;
    std::vector<StageHealth> healths = health_locked();
    for (std::size_t i = 0; i < out.counters.stages.size(); ++i) {
        const config::StageNode& node = i == 0 ? document_.input : document_.stages[i - 1];
        StageStatus stage;
        stage.display_name = node.display_name;
        stage.kind = i == 0 ? std::int32_t{FG_KIND_SOURCE} : types_[i - 1]->info.kind;
        stage.counters = out.counters.stages[i];
        stage.health = std::move(healths[i]);
        out.stages.push_back(std::move(stage));
    }

    std::map<std::string_view, std::size_t> index; // of out.stages
    for (std::size_t i = 0; i < out.stages.size(); ++i)
        index.emplace(out.stages[i].counters.stage, i);
    for (std::size_t i = 0; i < out.stages.size(); ++i) {
        const config::StageNode& node = i == 0 ? document_.input : document_.stages[i - 1];
        std::set<std::string_view> seen; // a document may name a stage twice
        for (const std::string& next : node.next)
            if (index.count(next) != 0 && seen.insert(next).second) out.edges.push_back({node.id, next, out.stages[i].counters.out});
    }

    for (const std::uint64_t delivered : out.counters.delivered)
        out.partitions.push_back({delivered, 0, 0});
    out.state = state_;
    out.started_wall_ns = started_wall_ns_;
    if (state_ == PipelineState::finished) out.outcome = outcome_;
    for (const auto& branch : branches_) {
        StageStatus& head = out.stages[branch->plan.stages.front() + 1];
        head.queued = true;
        for (const auto& lane : branch->lanes) {
            PartitionStatus& partition = out.partitions[lane->partition];
            head.queued_bytes += lane->bytes;
            partition.queued_bytes += lane->bytes;
            head.queued_batches += lane->queue.size();
            partition.queued_batches += lane->queue.size();
        }
    }
    return out;
}

} // namespace fluxgate::runtime
