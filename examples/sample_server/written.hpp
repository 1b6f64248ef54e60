// The points that clients wrote, in memory, a bucket at a time. A point of a series and a time that are there already, be
// they written or the plant's own, takes the place of the old one. No I/O, no clock.
#pragma once

#include "fluxgate/error.hpp"
#include "line_protocol.hpp"
#include "plant.hpp"

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::sample {

// One series of a bucket within a range: what the plant makes of it, what was written, or both.
struct StoredSeries {
    const SeriesKey* key = nullptr; // lives as long as the Written, as strings do
    Type type = Type::floating;
    const Series* generated = nullptr;
    std::vector<std::pair<Time, Value>> written; // in the range, rising times
};

// Any thread.
class Written {
public:
    // More points are refused, so that a client in a loop does not fill the machine.
    static constexpr std::size_t max_points = 5'000'000;

    // These buckets hold nothing but what is written.
    explicit Written(std::vector<std::string> empty_buckets = {}) : empty_(empty_buckets.begin(), empty_buckets.end()) {}

    // All of the points or none. An Error carries the server's message and its HTTP status: 422 when a field has another type
    // already in its measurement, 503 when the store is full.
    Result<void> write(const std::string& bucket, const std::vector<Point>& points);

    // All series of a bucket in the server's order, measurement, tag set, field; those without a point in [start, stop) too.
    [[nodiscard]] std::vector<StoredSeries> series(const std::string& bucket, Time start, Time stop) const;

    Written(const Written&) = delete;
    Written& operator=(const Written&) = delete;

private:
    struct Data {
        Type type = Type::floating;
        std::map<std::int64_t, Value> points;
    };
    using Bucket = std::map<SeriesKey, Data>;

    [[nodiscard]] Result<void> check(const std::string& bucket, const std::vector<Point>& points) const;
    [[nodiscard]] std::optional<Type> type_in(const std::string& bucket, const std::string& measurement, const std::string& field) const;
    Value keep(const FieldValue& value);

    const std::set<std::string, std::less<>> empty_;
    mutable std::mutex mutex_; // guards what follows
    std::map<std::string, Bucket, std::less<>> buckets_;
    std::map<std::string, std::map<std::pair<std::string, std::string>, Type>> types_; // bucket -> measurement and field
    std::set<std::string, std::less<>> strings_;                                       // stable addresses, never removed
    std::size_t count_ = 0;
};

} // namespace fluxgate::sample
