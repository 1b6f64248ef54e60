// `fluxgate schema`: what is in the server, as a table, as the JSON that the source sent, or as a `read` section.
#include "asking.hpp"
#include "config/duration.hpp"
#include "config/json_text.hpp"
#include "fluxgate/pipeline.hpp"
#include "json_parts.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace fluxgate::runner {

namespace {

using rapidjson::Value;

std::uint64_t count_of(const Value& object, const char* name) {
    const Value* member = member_of(object, name);
    return member != nullptr && member->IsUint64() ? member->GetUint64() : 0;
}

std::string counted(std::uint64_t count, const char* what) {
    return std::to_string(count) + ' ' + what + (count == 1 || std::string_view{what} == "series" ? "" : "s");
}

// The strings of an array, with commas between; one that has a comma itself is quoted.
std::string list_of(const Value& object, const char* name) {
    const Value* array = member_of(object, name);
    std::string out;
    if (array == nullptr || !array->IsArray()) return out;
    for (const Value& item : array->GetArray()) {
        if (!item.IsString()) continue;
        const std::string text = shown({item.GetString(), item.GetStringLength()}, 0);
        out += (out.empty() ? "" : ", ") + (text.find(',') == std::string::npos ? text : '"' + text + '"');
    }
    return out;
}

// For people, one measurement when it is known.
class Table {
public:
    static void line(const Value& line) {
        const std::string item = text_of(line, "item");
        if (item == "bucket") bucket(line);
        if (item == "measurement") measurement(line);
        if (item == "cut") std::cout << (text_of(line, "bucket").empty() ? "" : "  ") << "... " << cut(line) << '\n';
        std::cout.flush();
    }

    static std::string cut(const Value& line) {
        std::string out;
        if (const std::string what = text_of(line, "what"); what != "time") {
            const Value* found = member_of(line, "found");
            const std::string of = found != nullptr && found->IsUint64() ? " of " + std::to_string(found->GetUint64()) : "";
            out = std::to_string(count_of(line, "shown")) + of + ' ' + what + ": ";
        }
        return out + shown(text_of(line, "text"), 4);
    }

private:
    static void bucket(const Value& line) {
        const auto seconds = static_cast<std::int64_t>(count_of(line, "retentionSeconds"));
        const Value* looked = member_of(line, "looked");
        std::cout << "bucket " << shown(text_of(line, "name"), 0) << "  ("
                  << (seconds == 0 ? "kept for ever" : "kept " + config::format_duration(std::chrono::seconds{seconds}))
                  << (looked != nullptr && looked->IsTrue() ? ")" : "; not looked at, name it with --bucket)") << '\n';
    }

    static void row(const char* kind, std::string_view name, std::size_t width, const std::string& about, const std::string& more) {
        const std::string text = shown(name, 0);
        const std::string padding(width > text.size() ? width - text.size() : 0, ' ');
        char aligned[64];
        std::snprintf(aligned, sizeof aligned, more.empty() ? "%s" : "%-13s  ", about.c_str());
        std::cout << "    " << kind << "  " << text << padding << "  " << (about.size() < sizeof aligned - 3 ? aligned : about) << more << '\n';
    }

    static void measurement(const Value& line) {
        const Value* complete = member_of(line, "complete");
        std::cout << "  " << shown(text_of(line, "name"), 2) << "  " << (complete != nullptr && complete->IsFalse() ? "more than " : "")
                  << counted(count_of(line, "series"), "series");
        if (const std::string first = text_of(line, "first"); !first.empty())
            std::cout << ", " << shown(first, 0) << " .. " << shown(text_of(line, "last"), 0);
        std::cout << '\n';
        const Value *fields = member_of(line, "fields"), *tags = member_of(line, "tags");
        std::size_t width = 12;
        for (const Value* list : {fields, tags}) {
            if (list == nullptr || !list->IsArray()) return;
            for (const Value& one : list->GetArray())
                width = std::min<std::size_t>(40, std::max(width, shown(text_of(one, "name"), 0).size()));
        }
        for (const Value& field : fields->GetArray()) {
            const std::string types = list_of(field, "types");
            row("field", text_of(field, "name"), width, types.empty() ? "(no row in the range)" : types, "");
        }
        for (const Value& tag : tags->GetArray()) {
            const std::uint64_t values = count_of(tag, "values");
            const Value* sample = member_of(tag, "sample");
            const bool more = sample != nullptr && sample->IsArray() && sample->Size() < values;
            row("tag  ", text_of(tag, "name"), width, counted(values, "value"), list_of(tag, "sample") + (more ? ", ..." : ""));
        }
    }
};

// Collects what a `read` section names.
class ReadSection {
public:
    void line(const Value& line) {
        const std::string item = text_of(line, "item");
        const Value* looked = member_of(line, "looked");
        if (item == "bucket" && looked != nullptr && looked->IsTrue()) buckets_.insert(text_of(line, "name"));
        if (item == "cut") std::cerr << "fluxgate: warning: " << Table::cut(line) << '\n';
        if (item != "measurement") return;
        measurements_.insert(text_of(line, "name"));
        if (const Value* fields = member_of(line, "fields"); fields != nullptr && fields->IsArray())
            for (const Value& field : fields->GetArray())
                fields_.insert(text_of(field, "name"));
    }

    [[nodiscard]] int print(bool incremental, const std::string& start) const {
        if (buckets_.size() != 1) {
            std::cerr << "fluxgate: --as-read is for one bucket, and " << (buckets_.empty() ? "none was found" : "there are several:");
            for (const std::string& name : buckets_)
                std::cerr << ' ' << shown(name, 0);
            std::cerr << "; name one with --bucket\n";
            return Exit::usage;
        }
        if (measurements_.empty()) {
            std::cerr << "fluxgate: the bucket \"" << shown(*buckets_.begin(), 0) << "\" has no rows since " << start
                      << "; look further back with --start\n";
            return Exit::failed;
        }
        std::string text = "\"read\": {\n  \"bucket\": " + json_string(*buckets_.begin()) + ",\n  \"measurements\": " + json_list(measurements_) +
                           ",\n  \"fields\": " + json_list(fields_) + "\n}";
        if (!incremental) text += ",\n\"incremental\": { \"start\": " + json_string(start) + " }";
        std::cout << text << std::endl;
        std::cerr << "fluxgate: this takes the place of \"query\" in the source" << (incremental ? "" : ", where it also reads in windows") << '\n';
        return std::cout ? Exit::done : Exit::failed;
    }

private:
    std::set<std::string> buckets_, measurements_, fields_;
};

// The `schema` setting that the switches ask for.
std::string scope_of(const SchemaOptions& options) {
    std::string out;
    const auto put = [&out](const char* name, const std::string& json) { out += (out.empty() ? "\"" : ",\"") + std::string{name} + "\":" + json; };
    if (!options.buckets.empty()) put("buckets", json_list(options.buckets));
    if (!options.measurements.empty()) put("measurements", json_list(options.measurements));
    if (!options.start.empty()) put("start", json_string(options.start));
    if (options.max_measurements != 0) put("maxMeasurements", std::to_string(options.max_measurements));
    if (options.max_values != 0) put("maxValues", std::to_string(options.max_values));
    if (options.max_series != 0) put("maxSeries", std::to_string(options.max_series));
    return out.empty() ? out : "{" + out + "}";
}

} // namespace

int schema(const CommonOptions& common, const SchemaOptions& options) {
    const std::optional<Question> question = question_of(options.ask);
    if (!question) return Exit::usage;
    Host host = make_host(common);
    ReadSection section;
    const Result<void> done = Pipeline::schema(host, question->document, scope_of(options), question->timeout, [&](std::string_view json) {
        if (options.ask.json) {
            std::cout << json << std::endl; // each line when it is known
            return static_cast<bool>(std::cout);
        }
        const config::JsonText read = config::parse_json(json);
        if (!read.parsed) return true;
        options.as_read ? section.line(read.dom) : Table::line(read.dom);
        return static_cast<bool>(std::cout);
    });
    if (!done.ok()) return unanswered(options.ask, done.error());
    if (!options.as_read) return Exit::done;
    return section.print(Pipeline::validate(host, question->document).incremental, options.start.empty() ? "-720h" : options.start);
}

} // namespace fluxgate::runner
