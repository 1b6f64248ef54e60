#include "written.hpp"

#include <algorithm>

namespace fluxgate::sample {
namespace {

Error refusal(int status, std::string text) {
    Error e;
    e.code = Errc::query;
    e.http_status = status;
    e.message = std::move(text);
    return e;
}

Type type_of(const FieldValue& value) {
    constexpr Type types[] = {Type::boolean, Type::integer, Type::unsigned_integer, Type::floating, Type::string};
    return types[value.index()];
}

std::string_view written_name(Type type) {
    switch (type) {
    case Type::boolean: return "boolean";
    case Type::integer: return "integer";
    case Type::unsigned_integer: return "unsigned";
    case Type::floating: return "float";
    default: return "string";
    }
}

} // namespace

std::optional<Type> Written::type_in(const std::string& bucket, const std::string& measurement, const std::string& field) const {
    if (const auto types = types_.find(bucket); types != types_.end()) {
        if (const auto found = types->second.find({measurement, field}); found != types->second.end()) return found->second;
    }
    if (empty_.contains(bucket)) return std::nullopt;
    for (const Series& s : plant()) {
        if (s.measurement == measurement && s.field == field) return sample::type_of(s.shape);
    }
    return std::nullopt;
}

// In the words of a 2.7 server, which also counts the points that it left out.
Result<void> Written::check(const std::string& bucket, const std::vector<Point>& points) const {
    std::map<std::pair<std::string_view, std::string_view>, Type> fresh;
    std::size_t values = 0;
    for (const Point& p : points) {
        for (const auto& [field, value] : p.fields) {
            ++values;
            const Type type = type_of(value);
            const Type known = fresh
                                   .emplace(std::pair{std::string_view{p.measurement}, std::string_view{field}},
                                            type_in(bucket, p.measurement, field).value_or(type))
                                   .first->second;
            if (known != type)
                return refusal(422, "failure writing points to database: partial write: field type conflict: input field \"" + field +
                                        "\" on measurement \"" + p.measurement + "\" is type " + std::string{written_name(type)} +
                                        ", already exists as type " + std::string{written_name(known)} + " dropped=" + std::to_string(points.size()));
        }
    }
    if (count_ + values > max_points)
        return refusal(503, "the sample server holds at most " + std::to_string(max_points) + " written values; start it anew to forget them");
    return {};
}

Value Written::keep(const FieldValue& value) {
    return std::visit(
        [&](const auto& v) -> Value {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) {
                return std::string_view{*strings_.insert(v).first};
            } else {
                return v;
            }
        },
        value);
}

Result<void> Written::write(const std::string& bucket, const std::vector<Point>& points) {
    const std::lock_guard lock(mutex_);
    if (auto good = check(bucket, points); !good) return good;
    Bucket& into = buckets_[bucket];
    for (const Point& p : points) {
        for (const auto& [field, value] : p.fields) {
            Data& data = into[SeriesKey{p.measurement, p.tags, field}];
            data.type = type_of(value);
            types_[bucket].emplace(std::pair{p.measurement, field}, data.type);
            if (data.points.insert_or_assign(p.time.ns, keep(value)).second) ++count_;
        }
    }
    return {};
}

std::vector<StoredSeries> Written::series(const std::string& bucket, Time start, Time stop) const {
    std::vector<StoredSeries> out;
    if (!empty_.contains(bucket)) {
        for (const Series& s : plant()) {
            out.push_back({&s, sample::type_of(s.shape), &s, {}});
        }
    }
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return out;
    const auto before = [](const StoredSeries& a, const SeriesKey& b) { return *a.key < b; };
    for (const auto& [key, data] : found->second) {
        auto at = std::lower_bound(out.begin(), out.end(), key, before);
        if (at == out.end() || key < *at->key) at = out.insert(at, {&key, data.type, nullptr, {}});
        const auto end = data.points.lower_bound(stop.ns);
        for (auto p = data.points.lower_bound(start.ns); p != end; ++p) {
            at->written.emplace_back(Time{p->first}, p->second);
        }
    }
    return out;
}

} // namespace fluxgate::sample
