#include "prepared.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fluxgate::influxdb {

namespace {

constexpr std::size_t most_kept = 8; // a compiled expression holds about 1 MiB

struct Kept {
    Strategy strategy;
    std::uint32_t count;
    std::string expression;
    std::unique_ptr<partition::Partitioner> partitioner;
};

struct Shelf {
    std::mutex mutex;
    std::vector<Kept> kept; // oldest first
};

Shelf& shelf() {
    static Shelf one;
    return one;
}

} // namespace

partition::Strategy strategy_of(const Settings& s) {
    return s.strategy == Strategy::key ? partition::Strategy::key : partition::Strategy::id;
}

Result<std::unique_ptr<partition::Partitioner>> prepared_partitioner(const Settings& settings) {
    {
        Shelf& s = shelf();
        const std::lock_guard lock{s.mutex};
        const auto found = std::find_if(s.kept.begin(), s.kept.end(), [&](const Kept& k) {
            return k.strategy == settings.strategy && k.count == settings.partition_count && k.expression == settings.partition_expression;
        });
        if (found != s.kept.end()) {
            std::unique_ptr<partition::Partitioner> partitioner = std::move(found->partitioner);
            s.kept.erase(found);
            return partitioner;
        }
    }
    return partition::Partitioner::create(strategy_of(settings), settings.partition_expression, settings.partition_count);
}

void keep_prepared(const Settings& settings, std::unique_ptr<partition::Partitioner> partitioner) {
    std::unique_ptr<partition::Partitioner> leaves; // is freed without the lock
    Shelf& s = shelf();
    const std::lock_guard lock{s.mutex};
    if (s.kept.size() == most_kept) {
        leaves = std::move(s.kept.front().partitioner);
        s.kept.erase(s.kept.begin());
    }
    s.kept.push_back({settings.strategy, settings.partition_count, settings.partition_expression, std::move(partitioner)});
}

} // namespace fluxgate::influxdb
