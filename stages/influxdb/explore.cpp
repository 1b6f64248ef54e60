#include "explore.hpp"

#include "asking.hpp"
#include "config/names.hpp"
#include "window/flux_text.hpp"
#include "window/instant.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace fluxgate::influxdb {

namespace {

using window::flux_string;

constexpr std::size_t most_names = 10'000;             // that one query's answer is read for
constexpr std::size_t most_name_bytes = 8u << 20;      // and their bytes together
constexpr std::size_t most_shown = 4096;               // bytes of a value
constexpr std::size_t most_types = 16, most_type = 64; // of a field, and of a type's name: there are seven

std::string quoted(std::string_view text) {
    std::string out;
    stage::detail::append_json_string(out, text);
    return out;
}

std::string joined(const std::set<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts)
        out += (out.empty() ? "" : ",") + quoted(text);
    return "[" + out + "]";
}

// The beginning of a text that is too long to show, whole characters only.
std::string shown(std::string text) {
    if (text.size() <= most_shown) return text;
    std::size_t end = most_shown;
    while (end > most_shown - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    text.resize(end);
    return text += "...";
}

// What an answer named. `cut`: there are more, and nobody knows how many.
struct Names {
    std::vector<std::string> all;
    bool cut = false;
};

struct Bucket {
    std::string name, id = {};
    std::int64_t retention_ns = 0;
    bool looked = false;
    Names measurements = {};
};

struct Field {
    std::set<std::string> types;
};

struct Tag {
    std::string name;
    std::string count; // of distinct values
    std::vector<std::string> sample;
};

struct Measurement {
    std::map<std::string, Field> fields;
    std::vector<Tag> tags;
    std::uint64_t series = 0;
    std::optional<window::Instant> first, last;
};

class Explore {
public:
    Explore(const Settings& settings, stage::Host host, std::int64_t deadline_ns, const stage::LineSink& line)
        : scope_(settings.schema), organization_(settings.organization), line_(line), asking_(settings, host, deadline_ns) {
        start_ = window::format_instant(scope_.start.value_or(window::plus(host.wall_ns(), -scope_.past.count())));
    }

    Result<void> run() {
        Result<void> done = look();
        if (!wanted_) return Error{Errc::cancelled, "the schema was ended early"};
        if (done.ok() || (!asking_.out_of_time() && done.error().code == Errc::invalid_argument)) return done;
        if (!asking_.out_of_time()) return asking_.explained(done.error());
        if (!told_) return done;
        cut({}, {}, "time", 0, {}, "the time was up; what follows was not looked at. Give more with --timeout, or name buckets and measurements");
        return {};
    }

private:
    void say(const std::string& json) {
        told_ = true;
        wanted_ = wanted_ && line_(json);
    }

    void cut(const std::string& bucket, const std::string& measurement, std::string_view what, std::size_t told, std::optional<std::size_t> found,
             const std::string& text) {
        say(R"({"item":"cut","bucket":)" + quoted(bucket) + ",\"measurement\":" + quoted(measurement) + ",\"what\":" + quoted(what) +
            ",\"shown\":" + std::to_string(told) + ",\"found\":" + (found ? std::to_string(*found) : "null") + ",\"text\":" + quoted(text) + "}");
    }

    Result<void> look() {
        if (Result<void> done = list_buckets(); !done.ok()) return done;
        if (Result<void> done = choose_buckets(); !done.ok()) return done;
        for (Bucket& bucket : buckets_) {
            if (!bucket.looked) continue;
            if (Result<void> done = list_measurements(bucket); !done.ok()) return done;
        }
        if (Result<void> done = choose_measurements(); !done.ok()) return done;
        for (const Bucket& bucket : buckets_) {
            if (!wanted_) break;
            if (Result<void> done = describe(bucket); !done.ok()) return done;
        }
        return {};
    }

    // The `_value`s of an answer with one column.
    Result<Names> names_of(const std::string& call) {
        Names out;
        std::size_t bytes = 0;
        Result<void> done = asking_.ask("import \"influxdata/influxdb/schema\"\n" + call, [&](const flux::Table& table, const flux::Row& row) {
            std::string name = text_of(table, row, "_value");
            bytes += name.size();
            out.cut = out.all.size() == most_names || bytes > most_name_bytes;
            if (!out.cut) out.all.push_back(std::move(name));
            return !out.cut;
        });
        if (!done.ok()) return std::move(done).error();
        return out;
    }

    // Those that are asked for by name are found also where there are more than are listed.
    Result<void> list_measurements(Bucket& bucket) {
        const std::string call = "schema.measurements(bucket: " + flux_string(bucket.name) + ", start: " + start_ + ")";
        auto names = names_of(call);
        if (!names.ok()) return std::move(names).error();
        bucket.measurements = *std::move(names);
        if (!bucket.measurements.cut) return {};
        std::vector<std::string>& listed = bucket.measurements.all;
        for (const std::string& name : scope_.measurements) {
            if (std::find(listed.begin(), listed.end(), name) != listed.end()) continue;
            auto one = names_of(call + " |> filter(fn: (r) => r._value == " + flux_string(name) + ")");
            if (!one.ok()) return std::move(one).error();
            if (std::find(one->all.begin(), one->all.end(), name) != one->all.end()) listed.push_back(name);
        }
        return {};
    }

    Result<void> ask_buckets(const std::string& query) {
        std::size_t bytes = 0, count = 0;
        return asking_.ask(query, [&](const flux::Table& table, const flux::Row& row) {
            Bucket bucket{text_of(table, row, "name"), text_of(table, row, "id")};
            const std::string retention = text_of(table, row, "retentionPeriod");
            std::from_chars(retention.data(), retention.data() + retention.size(), bucket.retention_ns); // else it stays for ever: 0
            bytes += bucket.name.size() + bucket.id.size();
            const bool more = count++ == most_names || bytes > most_name_bytes;
            buckets_cut_ = buckets_cut_ || more;
            if (!more) buckets_.push_back(std::move(bucket));
            return !more;
        });
    }

    std::vector<Bucket>::iterator find_bucket(const std::string& name) {
        return std::find_if(buckets_.begin(), buckets_.end(), [&name](const Bucket& b) { return b.name == name; });
    }

    Result<void> list_buckets() {
        Result<void> done = ask_buckets("buckets()");
        for (const std::string& name : scope_.buckets) {
            if (!done.ok() || !buckets_cut_ || find_bucket(name) != buckets_.end()) continue;
            done = ask_buckets("buckets() |> filter(fn: (r) => r.name == " + flux_string(name) + ")");
        }
        std::sort(buckets_.begin(), buckets_.end(), [](const Bucket& a, const Bucket& b) { return a.name < b.name; });
        return done;
    }

    Result<void> choose_buckets() {
        for (const std::string& name : scope_.buckets) {
            const auto found = find_bucket(name);
            if (found == buckets_.end()) {
                std::vector<std::string_view> known;
                for (const Bucket& b : buckets_)
                    known.push_back(b.name);
                return missing("bucket", name, "organization \"" + organization_ + "\"", known, "there are",
                               "the name is another one, or the token may not read the bucket");
            }
            found->looked = true;
        }
        std::size_t looked = 0, own = 0;
        for (Bucket& bucket : buckets_) {
            const bool system = !bucket.name.empty() && bucket.name.front() == '_';
            own += system ? 0 : 1;
            if (scope_.buckets.empty()) bucket.looked = !system && looked < scope_.max_buckets;
            looked += bucket.looked ? 1 : 0;
        }
        if (scope_.buckets.empty() && (looked < own || buckets_cut_))
            cut({}, {}, "buckets", looked, count_of(own, buckets_cut_), "only the first buckets are looked at; name others with --bucket");
        return {};
    }

    Result<void> choose_measurements() {
        std::vector<std::string_view> known;
        for (const Bucket& bucket : buckets_)
            known.insert(known.end(), bucket.measurements.all.begin(), bucket.measurements.all.end());
        std::sort(known.begin(), known.end());
        known.erase(std::unique(known.begin(), known.end()), known.end());
        for (const std::string& name : scope_.measurements)
            if (!std::binary_search(known.begin(), known.end(), name))
                return missing("measurement", name, "the buckets that were looked at, since " + start_, known, "there are",
                               "the name is another one, or it has no rows since then: --start says how far back is looked");
        return {};
    }

    static std::optional<std::size_t> count_of(std::size_t count, bool cut) { return cut ? std::nullopt : std::optional{count}; }

    // A name that is not there.
    static Error missing(const char* what, const std::string& name, const std::string& where, const std::vector<std::string_view>& known,
                         const char* list, const std::string& cause) {
        Error error{Errc::invalid_argument, std::string{"there is no "} + what + " \"" + name + "\" in " + where + "\ncause: " + cause};
        const std::string_view near = config::nearest_name(name, known);
        if (!near.empty())
            error.message += "\nnext:  did you mean \"" + std::string{near} + "\"?";
        else
            error.message +=
                "\nnext:  " + (known.empty() ? "check the token's permissions" : std::string{list} + " " + config::quoted_list(known, 20));
        return error;
    }

    Result<void> describe(const Bucket& bucket) {
        if (!bucket.looked && !scope_.buckets.empty()) return {};
        say(R"({"item":"bucket","name":)" + quoted(bucket.name) + ",\"id\":" + quoted(bucket.id) + ",\"retentionSeconds\":" +
            std::to_string(bucket.retention_ns / 1'000'000'000) + ",\"looked\":" + (bucket.looked ? "true" : "false") + "}");
        std::size_t told = 0, chosen = 0;
        for (const std::string& name : bucket.measurements.all) {
            const auto& only = scope_.measurements;
            if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
            ++chosen;
            if (told == scope_.max_measurements || !wanted_) continue;
            ++told;
            if (Result<void> done = describe(bucket.name, name); !done.ok()) return done;
        }
        const bool more = bucket.measurements.cut && scope_.measurements.empty();
        if ((told < chosen || more) && wanted_)
            cut(bucket.name, {}, "measurements", told, count_of(chosen, more),
                "only the first measurements are looked at; name others with --measurement");
        return {};
    }

    Result<void> describe(const std::string& bucket, const std::string& name) {
        const std::string of = "(bucket: " + flux_string(bucket) + ", measurement: " + flux_string(name);
        Measurement found;
        auto fields = names_of("schema.measurementFieldKeys" + of + ", start: " + start_ + ")");
        if (!fields.ok()) return std::move(fields).error();
        for (std::size_t i = 0; i < fields->all.size() && i < scope_.max_fields; ++i)
            found.fields[fields->all[i]];
        auto tags = names_of("schema.measurementTagKeys" + of + ", start: " + start_ + ")");
        if (!tags.ok()) return std::move(tags).error();
        for (const std::string_view own : {"_start", "_stop", "_field", "_measurement"})
            std::erase(tags->all, own);
        for (std::size_t i = 0; i < tags->all.size() && i < scope_.max_tags; ++i) {
            auto tag = describe_tag(of, tags->all[i]);
            if (!tag.ok()) return std::move(tag).error();
            found.tags.push_back(*std::move(tag));
        }
        bool whole = true;
        if (Result<void> done = read_ends(bucket, name, found, whole); !done.ok()) return done;
        say(measurement_json(bucket, name, found, whole));
        if (found.fields.size() < fields->all.size() || fields->cut)
            cut(bucket, name, "fields", found.fields.size(), count_of(fields->all.size(), fields->cut),
                "only the first fields are shown; schema.maxFields allows more");
        if (found.tags.size() < tags->all.size() || tags->cut)
            cut(bucket, name, "tags", found.tags.size(), count_of(tags->all.size(), tags->cut),
                "only the first tags are shown; schema.maxTags allows more");
        if (!whole)
            cut(bucket, name, "series", static_cast<std::size_t>(found.series), {},
                "types and times are those of the first series only; schema.maxSeries allows more");
        return {};
    }

    Result<Tag> describe_tag(const std::string& of, const std::string& name) {
        Tag tag{name, "0", {}};
        const std::string values = "schema.measurementTagValues" + of + ", tag: " + flux_string(name) + ", start: " + start_ + ")";
        const std::string query = "import \"influxdata/influxdb/schema\"\n" + values + " |> limit(n: " + std::to_string(scope_.max_values) +
                                  ") |> yield(name: \"values\")\n" + values + " |> count() |> yield(name: \"count\")";
        Result<void> done = asking_.ask(query, [&](const flux::Table& table, const flux::Row& row) {
            const std::string value = text_of(table, row, "_value");
            if (text_of(table, row, "result") != "count") {
                if (tag.sample.size() < scope_.max_values) tag.sample.push_back(shown(value)); // a server may send more than the limit
            } else if (value.size() <= 20 && !value.empty() && value.find_first_not_of("0123456789") == std::string::npos) {
                tag.count = value;
            }
            return true;
        });
        if (!done.ok()) return std::move(done).error();
        return tag;
    }

    // First and last rows of every series: types of the fields, times, and how many series there are.
    Result<void> read_ends(const std::string& bucket, const std::string& name, Measurement& found, bool& whole) {
        for (const bool last : {false, true}) {
            std::uint64_t series = 0;
            const std::string query = "from(bucket: " + flux_string(bucket) + ") |> range(start: " + start_ +
                                      ") |> filter(fn: (r) => r._measurement == " + flux_string(name) + ") |> " + (last ? "last()" : "first()") +
                                      R"( |> drop(columns: ["_start", "_stop"]))";
            Result<void> done = asking_.ask(query, [&](const flux::Table& table, const flux::Row& row) {
                if (series == scope_.max_series) return whole = false;
                ++series;
                const auto field = found.fields.find(text_of(table, row, "_field"));
                for (const flux::Column& column : table.columns)
                    if (column.name == "_value" && field != found.fields.end() && field->second.types.size() < most_types)
                        field->second.types.insert(column.datatype.substr(0, most_type));
                if (const auto at = window::parse_instant(text_of(table, row, "_time"))) {
                    if (!found.first || *at < *found.first) found.first = at;
                    if (!found.last || *at > *found.last) found.last = at;
                }
                return true;
            });
            if (!done.ok()) return done;
            found.series = std::max(found.series, series);
        }
        return {};
    }

    static std::string measurement_json(const std::string& bucket, const std::string& name, const Measurement& m, bool whole) {
        const auto time = [](const std::optional<window::Instant>& at) { return at ? quoted(window::format_instant(*at)) : std::string{"null"}; };
        std::string out = R"({"item":"measurement","bucket":)" + quoted(bucket) + ",\"name\":" + quoted(name) +
                          ",\"series\":" + std::to_string(m.series) + ",\"complete\":" + (whole ? "true" : "false") + ",\"first\":" + time(m.first) +
                          ",\"last\":" + time(m.last) + ",\"fields\":[";
        std::string_view comma;
        for (const auto& [field, about] : m.fields) {
            (((out += comma) += "{\"name\":" + quoted(field)) += ",\"types\":") += joined(about.types) + "}";
            comma = ",";
        }
        out += "],\"tags\":[";
        comma = {};
        for (const Tag& tag : m.tags) {
            (out += comma) += "{\"name\":" + quoted(tag.name) + ",\"values\":" + tag.count + ",\"sample\":[";
            for (std::size_t i = 0; i < tag.sample.size(); ++i)
                out += (i == 0 ? "" : ",") + quoted(tag.sample[i]);
            out += "]}";
            comma = ",";
        }
        return out += "]}";
    }

    const SchemaScope scope_;
    const std::string organization_;
    const stage::LineSink& line_;
    Asking asking_;
    std::string start_;
    std::vector<Bucket> buckets_;
    bool buckets_cut_ = false, wanted_ = true, told_ = false;
};

} // namespace

Result<void> run_explore(const Settings& settings, stage::Host host, std::int64_t deadline_ns, const stage::LineSink& line) {
    return Explore{settings, host, deadline_ns, line}.run();
}

} // namespace fluxgate::influxdb
