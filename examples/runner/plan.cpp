// `fluxgate plan`: what a run would do next, for people, or as the JSON that the source sent.
#include "asking.hpp"
#include "config/duration.hpp"
#include "config/json_text.hpp"
#include "fluxgate/pipeline.hpp"
#include "json_parts.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace fluxgate::runner {

namespace {

using rapidjson::Value;

std::string shown_text(const Value& object, const char* name) {
    return shown(text_of(object, name), 12);
}

double number_of(const Value& object, const char* name) {
    const Value* member = member_of(object, name);
    return member != nullptr && member->IsNumber() ? member->GetDouble() : 0;
}

void head(const char* name) {
    char text[16];
    std::snprintf(text, sizeof text, "%-12s", name);
    std::cout << text;
}

std::string edges(const Value& window) {
    if (!window.IsArray() || window.Size() != 2 || !window[0].IsString() || !window[1].IsString()) return "?";
    return shown(window[0].GetString(), 12) + " .. " + shown(window[1].GetString(), 12);
}

void print_split(const Value& split) {
    const Value* names = member_of(split, "measurements");
    const bool listed = names != nullptr && names->IsArray() && !names->Empty();
    std::cout << std::string(12, ' ') << "where " << shown_text(split, "smallest") << " of it is still too large: ";
    if (listed)
        std::cout << names->Size() << " queries, one a measurement, the first:\n";
    else
        std::cout << "the measurements are asked for, then one query each and one for the rest:\n"
                  << std::string(12, ' ') << shown_text(split, "names") << '\n';
    std::cout << std::string(12, ' ') << shown_text(split, "text") << '\n';
}

void print_windows(const Value& line) {
    head("windows");
    std::cout << "from " << shown_text(line, "cursor")
              << (shown_text(line, "from") == "cursor" ? " (the cursor)"
                  : shown_text(line, "note").empty()   ? " (incremental.start; there is no cursor)"
                                                       : " (incremental.start)")
              << ", " << config::format_duration(std::chrono::seconds{static_cast<std::int64_t>(number_of(line, "behindSeconds"))})
              << " behind now\n";
    if (const std::string note = shown_text(line, "note"); !note.empty()) std::cout << std::string(12, ' ') << note << '\n';
    const Value* next = member_of(line, "next");
    if (next == nullptr || !next->IsArray()) return;
    if (next->Empty()) std::cout << std::string(12, ' ') << "none: everything up to now is read\n";
    for (const Value& window : next->GetArray())
        std::cout << std::string(12, ' ') << edges(window) << '\n';
}

void print_rows(const Value& line) {
    head("rows");
    char text[160];
    std::snprintf(text, sizeof text, "%.0f rows, %.0f bytes, %.1f bytes a row, in %.3f s", number_of(line, "rows"), number_of(line, "bytes"),
                  number_of(line, "bytesPerRow"), number_of(line, "seconds"));
    std::cout << text;
    if (const std::string note = shown_text(line, "note"); !note.empty()) std::cout << " (" << note << ")";
    std::cout << '\n';
}

void print_columns(const Value& line) {
    const Value* columns = member_of(line, "columns");
    if (columns == nullptr || !columns->IsArray()) return;
    const char* name = "columns";
    for (const Value& column : columns->GetArray()) {
        if (!column.IsObject()) continue;
        head(std::exchange(name, ""));
        char share[32];
        std::snprintf(share, sizeof share, "%5.1f %%  ", 100 * number_of(column, "share"));
        const std::string note = shown_text(column, "note");
        std::cout << share << shown_text(column, "name") << (note.empty() ? "" : "  (" + note + ")") << '\n';
    }
}

// One line a member, with a bar of its share.
void print_counts(const char* name, const Value& line) {
    const Value* counts = member_of(line, "counts");
    if (counts == nullptr || !counts->IsObject()) return;
    double most = 1;
    for (const auto& member : counts->GetObject())
        if (member.value.IsNumber()) most = std::max(most, member.value.GetDouble());
    if (counts->ObjectEmpty()) {
        head(name);
        std::cout << "none\n";
    }
    for (const auto& member : counts->GetObject()) {
        if (!member.value.IsNumber()) continue;
        head(std::exchange(name, ""));
        char text[96];
        std::snprintf(text, sizeof text, "%-8.48s %12.0f  ", shown({member.name.GetString(), member.name.GetStringLength()}, 12).c_str(),
                      member.value.GetDouble());
        std::cout << text << std::string(static_cast<std::size_t>(40 * member.value.GetDouble() / most), '#') << '\n';
    }
    if (const std::string first = shown_text(line, "first"); !first.empty()) std::cout << std::string(12, ' ') << "the first: " << first << '\n';
}

void print(std::string_view json) {
    const config::JsonText read = config::parse_json(json);
    if (!read.parsed || !read.dom.IsObject()) return;
    const Value& line = read.dom;
    const std::string item = shown_text(line, "item");
    if (item == "query") {
        head("query");
        std::cout << shown_text(line, "text") << '\n';
        if (const Value* split = member_of(line, "split"); split != nullptr && split->IsObject()) print_split(*split);
    } else if (item == "windows") {
        print_windows(line);
    } else if (item == "rows") {
        print_rows(line);
    } else if (item == "columns") {
        print_columns(line);
    } else if (item == "partitions") {
        print_counts("partitions", line);
    } else if (item == "deadLetters") {
        print_counts("dead letters", line);
    } else if (const Value* message = member_of(line, "message"); message != nullptr) {
        head("message");
        std::cout << shown(config::to_text(*message), 12) << '\n';
    }
    std::cout.flush();
}

} // namespace

int plan(const CommonOptions& common, const PlanOptions& options) {
    const std::optional<Question> question = question_of(options.ask);
    if (!question) return Exit::usage;
    Host host = make_host(common);
    const Validation found = Pipeline::validate(host, question->document);
    const StatePlace place{state_directory(common), pipeline_id(options.id, found.name, options.ask.file)};
    const auto line = [&options](std::string_view json) {
        if (options.ask.json) {
            std::cout << json << std::endl; // each line when it is known
        } else {
            print(json);
        }
        return static_cast<bool>(std::cout);
    };
    const Result<void> done = Pipeline::plan(host, question->document, question->timeout, line, place);
    return done.ok() ? Exit::done : unanswered(options.ask, done.error());
}

} // namespace fluxgate::runner
