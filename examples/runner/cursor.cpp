// `fluxgate cursor`: shows and moves the place up to which a pipeline has delivered, without running it.
#include "commands.hpp"
#include "config/duration.hpp"
#include "fluxgate/pipeline.hpp"
#include "fluxgate/state.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>

namespace fluxgate::runner {

namespace {

constexpr std::size_t max_import_bytes = 16u << 20;
constexpr std::size_t windows_shown = 5;

int fail_with(const std::string& what, const Error& error) {
    std::cerr << "fluxgate: " << what << error.text() << "\n";
    return error.code == Errc::configuration ? Exit::usage : Exit::failed;
}

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// "2h3m4s ago", to the second.
std::string distance(std::int64_t position, std::int64_t now) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::chrono::seconds apart{now / second - position / second}; // the difference in nanoseconds may not fit
    constexpr std::chrono::hours century{876'600};
    const std::chrono::seconds size{std::abs(apart.count())};
    return (size > century ? "more than 100 years" : config::format_duration(size)) + (apart.count() < 0 ? " ahead of now" : " ago");
}

std::string to_text(const StateHolder& holder) {
    if (holder.pid == 0) return "a process that has not given its name yet";
    return "process " + std::to_string(holder.pid) + " on " + holder.host + " since " + holder.since;
}

std::string to_text(const std::vector<CursorInfo::Window>& windows) {
    if (windows.empty()) return "none";
    std::string out = std::to_string(windows.size());
    for (std::size_t i = 0; i < std::min(windows.size(), windows_shown); ++i)
        out += "\n                " + windows[i].first + " to " + windows[i].second;
    return windows.size() > windows_shown ? out + "\n                ..." : out;
}

struct Place {
    std::string directory, pipeline;
    bool incremental = false;
};

// Where the document's state is, or none after saying why that is not known.
std::optional<Place> place_of(const CommonOptions& common, const CursorOptions& options) {
    const std::optional<std::string> text = read_document(options.file);
    if (!text) return std::nullopt;
    Host host = make_host(common);
    const Validation found = Pipeline::validate(host, *text);
    if (!found.valid) {
        print_violations(options.file, found.violations);
        return std::nullopt;
    }
    Place out{state_directory(common), pipeline_id(options.id, found.name, options.file), found.incremental};
    if (out.directory.empty()) {
        std::cerr
            << "fluxgate: it is not known where state is kept: neither STATE_DIRECTORY nor XDG_STATE_HOME nor HOME is set; name a directory with "
               "--state DIR\n";
        return std::nullopt;
    }
    return out;
}

std::string json_text(const std::string& text) {
    std::string out;
    stage::detail::append_json_string(out, text);
    return out;
}

void print_json(const Place& place, const std::optional<CursorInfo>& cursor, const std::optional<StateHolder>& holder) {
    std::cout << "{\"pipeline\":" << json_text(place.pipeline) << ",\"state\":" << json_text(State::file_of(place.directory, place.pipeline))
              << ",\"cursor\":" << (cursor ? cursor->json : "null") << ",\"memoryOfLateRows\":" << (cursor ? cursor->memory_of_late : 0)
              << ",\"holder\":";
    if (holder)
        std::cout << "{\"pid\":" << holder->pid << ",\"host\":" << json_text(holder->host) << ",\"since\":" << json_text(holder->since) << "}";
    else
        std::cout << "null";
    std::cout << "}\n";
}

void print_text(const Place& place, const std::optional<CursorInfo>& cursor, const std::optional<StateHolder>& holder) {
    std::cout << "pipeline        " << place.pipeline << "\nstate           " << State::file_of(place.directory, place.pipeline)
              << (cursor || State::exists(place.directory, place.pipeline) ? "\n" : " (not there yet)\n");
    if (cursor) {
        std::cout << "position        " << cursor->position << " (" << distance(cursor->position_ns, now_ns()) << "); every row before is delivered\n"
                  << "begun windows   " << to_text(cursor->planned) << "\n"
                  << "beyond a gap    " << to_text(cursor->passed) << "\n"
                  << "query           " << (cursor->identity.empty() ? "any: the next run takes its query as it is" : "identity " + cursor->identity)
                  << "\n"
                  << "late rows       " << cursor->memory_of_late << " bytes of memory\n"
                  << "updated         " << (cursor->updated.empty() ? "-" : cursor->updated) << "\n";
    } else {
        std::cout << "position        none yet: reading begins at incremental.start\n";
    }
    std::cout << "in use by       " << (holder ? to_text(*holder) : "nobody") << std::endl;
}

int show(const Place& place, const CursorOptions& options) {
    std::optional<CursorInfo> cursor;
    if (State::exists(place.directory, place.pipeline)) {
        const Result<State> state = State::open(place.directory, place.pipeline, State::Access::read);
        if (!state.ok()) return fail_with("", state.error());
        Result<std::optional<CursorInfo>> found = state->cursor();
        if (!found.ok()) return fail_with("", found.error());
        cursor = std::move(*found);
    }
    const std::optional<StateHolder> holder = State::holder_of(place.directory, place.pipeline);
    options.json ? print_json(place, cursor, holder) : print_text(place, cursor, holder);
    return Exit::done;
}

int export_it(const Place& place) {
    std::optional<std::string> text;
    if (State::exists(place.directory, place.pipeline)) {
        const Result<State> state = State::open(place.directory, place.pipeline, State::Access::read);
        if (!state.ok()) return fail_with("", state.error());
        Result<std::optional<std::string>> found = state->export_cursor();
        if (!found.ok()) return fail_with("", found.error());
        text = std::move(*found);
    }
    if (!text) {
        std::cerr << "fluxgate: the pipeline " << place.pipeline << " has no cursor yet in " << place.directory << "\n";
        return Exit::failed;
    }
    std::cout << *text << std::endl;
    return Exit::done;
}

// Opens for writing, lets `move` change the cursor, and says where it stands then.
template <class Move>
int change(const Place& place, const CursorOptions& options, Move move) {
    Result<State> state = State::open(place.directory, place.pipeline, State::Access::write);
    if (!state.ok()) return fail_with("", state.error());
    if (Result<void> moved = move(*state); !moved.ok()) return fail_with("", moved.error());
    const Result<std::optional<CursorInfo>> now = state->cursor();
    if (!now.ok()) return fail_with("", now.error());
    if (options.json)
        print_json(place, *now, std::nullopt);
    else
        std::cout << "the cursor of " << place.pipeline << " stands at " << (*now)->position << " (" << distance((*now)->position_ns, now_ns()) << ")"
                  << std::endl;
    if (!place.incremental)
        std::cerr << "fluxgate: note: the source of " << options.file << " is not incremental, so a run of it does not look at the cursor\n";
    return Exit::done;
}

int set(const Place& place, const CursorOptions& options) {
    const Result<std::int64_t> time = State::parse_time(options.value);
    if (!time.ok()) return fail_with(options.value + ": ", time.error());
    return change(place, options, [&](State& state) { return state.set_cursor(*time); });
}

int rewind(const Place& place, const CursorOptions& options) {
    const Result<std::chrono::nanoseconds> by = config::parse_duration(options.value);
    if (!by.ok()) return fail_with(options.value + ": ", {Errc::configuration, by.error().message + "; write it like 30s or 1h10m"});
    if (by->count() == 0) return fail_with(options.value + ": ", {Errc::configuration, "a cursor is rewound by more than 0s"});
    if (!State::exists(place.directory, place.pipeline)) {
        std::cerr << "fluxgate: the pipeline " << place.pipeline << " has no cursor yet in " << place.directory
                  << " that could be rewound; `fluxgate cursor set` gives it a place\n";
        return Exit::failed;
    }
    return change(place, options, [&](State& state) { return state.rewind_cursor(*by); });
}

int import(const Place& place, const CursorOptions& options) {
    std::string text;
    for (std::istreambuf_iterator<char> at{std::cin}, end; at != end && text.size() <= max_import_bytes; ++at)
        text += *at;
    return change(place, options, [&](State& state) { return state.import_cursor(text); });
}

} // namespace

int cursor(const CommonOptions& common, const CursorOptions& options) {
    const std::optional<Place> place = place_of(common, options);
    if (!place) return Exit::usage;
    switch (options.what) {
    case CursorOptions::What::show: return show(*place, options);
    case CursorOptions::What::set: return set(*place, options);
    case CursorOptions::What::rewind: return rewind(*place, options);
    case CursorOptions::What::export_it: return export_it(*place);
    case CursorOptions::What::import: return import(*place, options);
    }
    return Exit::usage;
}

} // namespace fluxgate::runner
