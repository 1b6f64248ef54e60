// `fluxgate dead-letters replay`: messages that failed behind the source go through the host again, from the stage where they failed.
// A message is marked as replayed once it is durable behind that stage; a crash in between sends it again, with the same rowId.
#include "letter_commands.hpp"
#include "signals.hpp"
#include "terminal.hpp"

#include "config/duration.hpp"
#include "fluxgate/pipeline.hpp"
#include "fluxgate/state.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <set>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

constexpr const char* source_stage = "input";
constexpr std::chrono::seconds flush_every{1};

struct Place {
    std::uint64_t number, offset, size, digest;
    std::uint32_t partition;
};

// What of the file can be sent again, and what cannot, each with its reason.
struct Sorted {
    std::map<std::string, std::vector<Place>> by_stage;
    std::vector<std::pair<std::uint64_t, std::string>> refused; // number and why
    std::uint64_t of_source = 0, of_others = 0, done = 0;
    std::optional<std::int64_t> earliest; // time in a row that failed in the source
};

std::optional<std::int64_t> number_at(const rapidjson::Value& message, const char* object, const char* name) {
    const auto outer = message.FindMember(object);
    if (outer == message.MemberEnd() || !outer->value.IsObject()) return std::nullopt;
    const auto inner = outer->value.FindMember(name);
    if (inner == outer->value.MemberEnd() || !inner->value.IsUint()) return std::nullopt;
    return inner->value.GetUint();
}

// Why this record cannot be sent again; "" when it can, and then where.
std::string judge(const Letter& letter, const std::vector<std::string>& stages, std::uint32_t partitions, Sorted& sorted) {
    if (std::find(stages.begin(), stages.end(), letter.stage) == stages.end())
        return "the document has no stage \"" + shown(letter.stage, 0) + "\" any more";
    if (letter.truncated) return "only its beginning is on record (truncated)";
    if (letter.not_utf8) return "it is not UTF-8";
    rapidjson::Document message;
    message.Parse<rapidjson::kParseIterativeFlag>(letter.raw.data(), letter.raw.size());
    if (message.HasParseError() || !message.IsObject() || letter.raw.find('\n') != std::string::npos) return "it is no whole message";
    std::optional<std::int64_t> partition;
    if (letter.partition) partition = *letter.partition;
    if (!partition) partition = number_at(message, "systemProperties", "partitionId");
    if (!partition) return "its partition is not on record";
    if (*partition >= partitions)
        return "its partition " + std::to_string(*partition) + " is one of more than the " + std::to_string(partitions) + " there are now";
    sorted.by_stage[letter.stage].push_back({letter.number, letter.offset, letter.size, letter.digest, static_cast<std::uint32_t>(*partition)});
    return {};
}

// The earliest time that stands in a row: with _start among its columns that is where its window begins.
std::optional<std::int64_t> earliest_time(std::string_view raw) {
    std::optional<std::int64_t> out;
    for (std::size_t at = raw.find('T'); at != std::string_view::npos; at = raw.find('T', at + 1)) {
        if (at < 10 || raw[at - 3] != '-' || raw[at - 6] != '-') continue;
        const std::size_t end = raw.find_first_not_of("0123456789:.", at + 1);
        if (end == std::string_view::npos || raw[end] != 'Z') continue;
        const std::string_view text = raw.substr(at - 10, end + 1 - (at - 10));
        const Result<std::int64_t> time = State::parse_time(text);
        if (time.ok() && (!out || *time < *out)) out = *time;
    }
    return out;
}

Result<Sorted> sort(LetterFile& file, const LettersOptions& options, const LetterTarget& target, const std::vector<std::string>& stages,
                    std::uint32_t partitions) {
    Sorted out;
    if (Result<void> found = file.find_marks(); !found.ok()) return found.error();
    const std::set<std::uint64_t> wanted{options.numbers.begin(), options.numbers.end()};
    std::set<std::uint64_t> missing = wanted;
    const Result<void> read = file.each([&](Letter& letter) {
        missing.erase(letter.number);
        if (!wanted.empty() && wanted.count(letter.number) == 0) return true;
        if (file.replayed(letter)) {
            ++out.done;
        } else if (letter.pipeline != target.pipeline) {
            ++out.of_others;
        } else if (letter.stage == source_stage) {
            ++out.of_source;
            const std::optional<std::int64_t> time = earliest_time(letter.raw);
            if (time && (!out.earliest || *time < *out.earliest)) out.earliest = time;
        } else if (std::string why = judge(letter, stages, partitions, out); !why.empty()) {
            out.refused.emplace_back(letter.number, std::move(why));
        }
        return true;
    });
    if (!read.ok()) return read.error();
    for (const std::uint64_t number : missing)
        out.refused.emplace_back(number, "there is no such dead letter");
    return out;
}

// The window to read again for what failed in the source.
void answer_source(const CommonOptions& common, const LetterTarget& target, const Sorted& sorted) {
    if (sorted.of_source == 0) return;
    std::cerr << "fluxgate: " << sorted.of_source << (sorted.of_source == 1 ? " row" : " rows")
              << " failed in the source and can only come from there again";
    if (!target.incremental) {
        std::cerr << ":\n  it is not incremental, so it reads its whole range at every interval anyway\n";
        return;
    }
    if (!sorted.earliest) {
        std::cerr << "; no time is on record, so choose how far back:\n  fluxgate cursor rewind " << target.file << " DURATION\n";
        return;
    }
    const std::string from = State::format_time(*sorted.earliest);
    std::cerr << "; the earliest time in them is " << from << ":\n";
    const std::string directory = state_directory(common);
    if (!State::exists(directory, target.pipeline)) {
        std::cerr << "  " << directory << " holds no state of " << target.pipeline
                  << ": if it is kept elsewhere, name that with --state; a run with an empty one\n"
                  << "  begins at incremental.start\n";
        return;
    }
    const Result<State> state = State::open(directory, target.pipeline, State::Access::read);
    const Result<std::optional<CursorInfo>> cursor = state.ok() ? state->cursor() : Result<std::optional<CursorInfo>>{state.error()};
    if (!cursor.ok()) {
        std::cerr << "  where the cursor stands could not be read: " << cursor.error().text() << "\n";
    } else if (!*cursor) {
        std::cerr << "  no cursor is stored yet: the next run begins at incremental.start\n";
    } else if ((*cursor)->position_ns <= *sorted.earliest) {
        // A cursor is never moved forward here: what lies between was delivered to nobody.
        std::cerr << "  the cursor stands at " << (*cursor)->position << ": the next run reads them anyway\n";
    } else {
        const std::int64_t seconds = ((*cursor)->position_ns - *sorted.earliest + 999'999'999) / 1'000'000'000;
        std::cerr << "  fluxgate cursor rewind " << target.file << " " << config::format_duration(std::chrono::seconds{seconds})
                  << "    # the cursor stands at " << (*cursor)->position << "\n";
    }
}

// Feeds the places of one stage and marks what was delivered. The reader thread calls both members.
class Sender {
public:
    Sender(LetterFile& file, const std::vector<Place>& places) : file_(file), places_(places) {}

    std::optional<FedMessage> next() {
        if (asked_to_end_ || at_ == places_.size()) return std::nullopt;
        const Place& place = places_[at_];
        Result<Letter> letter = file_.read(place.number, place.offset, place.size);
        if (!letter.ok() || letter->digest != place.digest) {
            trouble_ = letter.ok() ? Error{Errc::io, file_.path() + " was changed while it was read"} : letter.error();
            return std::nullopt;
        }
        return FedMessage{at_++, place.partition, std::move(letter->raw)};
    }

    Result<void> settled(std::uint64_t index, bool delivered) {
        if (!delivered) return {};
        ++delivered_;
        file_.mark(places_[index].number, places_[index].digest);
        if (std::chrono::steady_clock::now() - flushed_ < flush_every) return {};
        flushed_ = std::chrono::steady_clock::now();
        return file_.flush();
    }

    // From any thread: nothing more is fed.
    void end() noexcept { asked_to_end_ = true; }

    [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
    [[nodiscard]] const std::optional<Error>& trouble() const noexcept { return trouble_; }

private:
    LetterFile& file_;
    const std::vector<Place>& places_;
    std::atomic<bool> asked_to_end_{false};
    std::size_t at_ = 0;
    std::uint64_t delivered_ = 0;
    std::chrono::steady_clock::time_point flushed_{};
    std::optional<Error> trouble_;
};

struct Sent {
    std::uint64_t delivered = 0, failed_again = 0;
    bool all = false;
    int signal = 0; // that ended it
};

// Until everything is delivered, or a signal asks for the end: then what is on its way goes on.
int attend(const Host& host, Pipeline& pipeline, Sender& sender, const Signals& signals) {
    static constexpr std::chrono::seconds patience{1};
    int signal = 0;
    while (signal == 0 && pipeline.state() != PipelineState::finished)
        signal = signals.ending(signals.wait(patience));
    if (signal == 0) return 0;
    sender.end();
    stop_in_order(host, pipeline, signals, [] { return patience; });
    return signal;
}

Sent send(const PipelineOptions& settings, LetterTarget& target, LetterFile& file, const std::string& stage, const std::vector<Place>& places,
          const Signals& signals) {
    Sender sender{file, places};
    Sent out;
    {
        Feed feed{[&] { return sender.next(); }, [&](std::uint64_t index, bool delivered) { return sender.settled(index, delivered); }};
        Result<Pipeline> made = Pipeline::create_feeding(target.host, target.document, stage, std::move(feed), settings);
        if (!made.ok()) {
            refuse(made.error());
            return out;
        }
        if (Result<void> started = made->start(); !started.ok()) {
            refuse(started.error());
            return out;
        }
        out.signal = attend(target.host, *made, sender, signals);
        const std::optional<Outcome> outcome = made->outcome();
        if (outcome && outcome->error) refuse(*outcome->error);
        out.failed_again = made->counters().dead_letters;
    }
    if (sender.trouble()) refuse(*sender.trouble());
    const Result<void> marked = file.flush();
    if (!marked.ok()) refuse(marked.error());
    out.delivered = sender.delivered();
    out.all = marked.ok() && !sender.trouble() && out.delivered == places.size();
    return out;
}

} // namespace

int replay(const CommonOptions& common, const LettersOptions& options, LetterTarget& target, LetterFile& file, const Signals& signals) {
    if (Result<void> taken = file.take_for_replay(); !taken.ok()) return refuse(taken.error());
    const std::vector<std::string> stages = Pipeline::validate(target.host, target.document).stages;

    PipelineOptions settings;
    settings.id = target.pipeline;
    settings.instance = options.instance.empty() ? host_name() : options.instance;
    settings.dead_letter_file = file.path();
    settings.state_directory = state_directory(common);
    settings.on_change = [] { kill(getpid(), SIGUSR1); };
    const Result<Pipeline> never_run = Pipeline::create(target.host, target.document, settings); // it knows how many partitions there are
    if (!never_run.ok()) return refuse(never_run.error());
    const Result<Sorted> sorted = sort(file, options, target, stages, never_run->partition_count());
    if (!sorted.ok()) return refuse(sorted.error());
    Sent sum;
    bool whole = true;
    int signal = 0;
    std::uint64_t count = 0;
    for (const std::string& stage : stages) { // in the document's order
        const auto places = sorted->by_stage.find(stage);
        if (places == sorted->by_stage.end()) continue;
        if (signal != 0) {
            count += places->second.size();
            whole = false;
            continue;
        }
        const Sent sent = send(settings, target, file, stage, places->second, signals);
        signal = sent.signal;
        count += places->second.size();
        sum.delivered += sent.delivered;
        sum.failed_again += sent.failed_again;
        whole = whole && sent.all;
    }
    std::cerr << "fluxgate: " << sum.delivered << " of " << count << " dead letters replayed";
    if (sum.failed_again != 0) std::cerr << "; " << sum.failed_again << " failed again and are new dead letters";
    if (sorted->done != 0) std::cerr << "; " << sorted->done << " had been replayed before";
    if (sorted->of_others != 0) std::cerr << "; " << sorted->of_others << " belong to other pipelines";
    std::cerr << "\n";
    for (const auto& [number, why] : sorted->refused)
        std::cerr << "fluxgate: dead letter " << number << " cannot be replayed: " << why << "\n";
    answer_source(common, target, *sorted);
    if (signal != 0) {
        std::cerr << "fluxgate: interrupted; the same command sends the rest\n";
        return signal == SIGTERM ? Exit::terminated : Exit::interrupted;
    }
    return whole && sorted->refused.empty() && sum.failed_again == 0 ? Exit::done : Exit::failed;
}

} // namespace fluxgate::runner
