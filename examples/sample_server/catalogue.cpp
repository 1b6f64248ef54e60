#include "catalogue.hpp"

#include <algorithm>
#include <memory>
#include <set>

namespace fluxgate::sample {
namespace {

using Names = std::vector<std::string_view>;

bool has_point(const StoredSeries& s, Range range) {
    if (!s.written.empty()) return true;
    if (s.generated == nullptr) return false;
    const std::int64_t end = first_sample(*s.generated, range.stop);
    for (std::int64_t k = first_sample(*s.generated, range.start); k < end; ++k) {
        if (sample_exists(*s.generated, k)) return true;
    }
    return false;
}

// One column `_value` without a group key.
Table table_of(Names names) {
    Table t;
    t.columns = {{"_value", Type::string, false}};
    t.key = {Null{}};
    t.rows = [names = std::move(names)](const RowSink& sink) -> std::optional<std::string> {
        for (const std::string_view name : names) {
            if (!sink({name})) break;
        }
        return std::nullopt;
    };
    return t;
}

// 16 hexadecimal digits that stay the same for a name (FNV-1a).
std::string id_of(std::string_view name) {
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (const char c : name) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    }
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) {
        out += "0123456789abcdef"[hash >> shift & 15u];
    }
    return out;
}

Table bucket_table(const Catalogue& asked) {
    struct Texts {
        std::vector<std::pair<std::string, std::string>> buckets; // name and id
        std::string org_id;
    };
    const auto texts = std::make_shared<Texts>(Texts{{}, asked.org_id});
    for (const std::string& name : asked.buckets) {
        texts->buckets.emplace_back(name, id_of(name));
    }
    std::sort(texts->buckets.begin(), texts->buckets.end());
    Table t;
    t.columns = {{"name", Type::string, false},
                 {"id", Type::string, false},
                 {"organizationID", Type::string, true},
                 {"retentionPolicy", Type::string, false},
                 {"retentionPeriod", Type::integer, false}};
    t.key = {Null{}, Null{}, std::string_view{texts->org_id}, Null{}, Null{}};
    t.rows = [texts](const RowSink& sink) -> std::optional<std::string> {
        for (const auto& [name, id] : texts->buckets) {
            if (!sink({std::string_view{name}, std::string_view{id}, std::string_view{texts->org_id}, std::string_view{}, std::int64_t{0}})) break;
        }
        return std::nullopt;
    };
    return t;
}

} // namespace

std::vector<Table> catalogue(const Pipeline& p, const Written& written) {
    const Catalogue& asked = *p.catalogue;
    if (asked.kind == Catalogue::Kind::buckets) return {bucket_table(asked)};
    std::set<std::string_view> found;
    bool any = false;
    for (const StoredSeries& s : written.series(p.bucket, p.range.start, p.range.stop)) {
        const bool wanted = asked.kind == Catalogue::Kind::measurements || s.key->measurement == asked.measurement;
        if (!wanted || !has_point(s, p.range)) continue;
        any = true;
        if (asked.kind == Catalogue::Kind::measurements) found.insert(s.key->measurement);
        if (asked.kind == Catalogue::Kind::field_keys) found.insert(s.key->field);
        for (const auto& [key, value] : s.key->tags) {
            if (asked.kind == Catalogue::Kind::tag_keys) found.insert(key);
            if (asked.kind == Catalogue::Kind::tag_values && key == asked.tag) found.insert(value);
        }
    }
    Names names;
    if (asked.kind == Catalogue::Kind::tag_keys && any) names = {"_start", "_stop", "_field", "_measurement"};
    names.insert(names.end(), found.begin(), found.end());
    return {table_of(std::move(names))};
}

} // namespace fluxgate::sample
