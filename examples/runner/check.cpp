// `fluxgate check`: each step of the source's check as a line of a table, or as the JSON that the source sent.
#include "asking.hpp"
#include "config/json_text.hpp"
#include "fluxgate/pipeline.hpp"
#include "terminal.hpp"

#include <array>
#include <cstdio>
#include <iostream>
#include <string_view>

namespace fluxgate::runner {

namespace {

// One line of the check, as fg_source_api.check says it.
struct StepSeen {
    std::string step, status, text, cause, next;
    double milliseconds = 0;
};

StepSeen parse_step(std::string_view json) {
    const config::JsonText read = config::parse_json(json);
    StepSeen out;
    if (!read.parsed || !read.dom.IsObject()) return {"?", "failed", std::string{json}, "the stage sent a line that is no JSON object", "", 0};
    const auto take = [&read](const char* name, std::string& to) {
        const auto member = read.dom.FindMember(name);
        if (member != read.dom.MemberEnd() && member->value.IsString()) to.assign(member->value.GetString(), member->value.GetStringLength());
    };
    take("step", out.step);
    take("status", out.status);
    take("text", out.text);
    take("cause", out.cause);
    take("next", out.next);
    const auto took = read.dom.FindMember("milliseconds");
    if (took != read.dom.MemberEnd() && took->value.IsNumber()) out.milliseconds = took->value.GetDouble();
    return out;
}

std::string_view mark_of(const std::string& status) {
    if (status == "failed") return "FAILED";
    if (status == "not_reached") return "-";
    return status;
}

// Counts what it prints.
class Table {
public:
    explicit Table(bool json) : json_(json) {}

    void line(std::string_view json) {
        const StepSeen seen = parse_step(json);
        failed_ += seen.status == "failed" ? 1 : 0;
        warnings_ += seen.status == "warning" ? 1 : 0;
        if (seen.status == "failed" && first_failed_.empty()) first_failed_ = shown(seen.step, 0);
        if (json_) {
            std::cout << json << std::endl; // each line when it is known
        } else {
            print(seen);
        }
    }

    void end() const {
        if (json_) return;
        if (failed_ != 0) {
            std::cout << "\nfailed at: " << first_failed_ << std::endl;
        } else {
            std::cout << "\nall steps passed"
                      << (warnings_ == 0 ? "" : ", with " + std::to_string(warnings_) + (warnings_ == 1 ? " warning" : " warnings")) << std::endl;
        }
    }

    [[nodiscard]] bool failed() const noexcept { return failed_ != 0; }

private:
    static void print(const StepSeen& seen) {
        constexpr std::size_t indent = 38;
        std::array<char, 128> head{};
        std::array<char, 32> took{};
        if (seen.status != "not_reached" && seen.status != "skipped") std::snprintf(took.data(), took.size(), "%.1f ms", seen.milliseconds);
        std::snprintf(head.data(), head.size(), "%-7.7s  %-14.14s  %11.11s  ", std::string{mark_of(seen.status)}.c_str(), shown(seen.step, 0).c_str(),
                      took.data());
        std::cout << head.data() << shown(seen.text, indent) << '\n';
        if (!seen.cause.empty()) std::cout << std::string(indent, ' ') << "cause: " << shown(seen.cause, indent + 7) << '\n';
        if (!seen.next.empty()) std::cout << std::string(indent, ' ') << "next:  " << shown(seen.next, indent + 7) << '\n';
        std::cout.flush();
    }

    const bool json_;
    int failed_ = 0, warnings_ = 0;
    std::string first_failed_;
};

} // namespace

int check(const CommonOptions& common, const CheckOptions& options) {
    const std::optional<Question> question = question_of(options);
    if (!question) return Exit::usage;
    Host host = make_host(common);
    Table table{options.json};
    const Result<void> done = Pipeline::check(host, question->document, question->timeout, [&table](std::string_view json) {
        table.line(json);
        return static_cast<bool>(std::cout);
    });
    if (!done.ok()) return unanswered(options, done.error());
    table.end();
    return table.failed() ? Exit::check_failed : Exit::done;
}

} // namespace fluxgate::runner
