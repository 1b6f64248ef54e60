#include "round.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace fluxgate::nothing_lost {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds hang{60'000}; // also the bound of a recovery
constexpr milliseconds tick{10};
const char* const token = "NOTHING_LOST_TOKEN=sample-token";

} // namespace

Figures& Figures::operator+=(const Figures& other) {
    for (const auto member : {&Figures::rounds, &Figures::runs, &Figures::kills_state, &Figures::kills_output, &Figures::kills_time,
                              &Figures::commits_cut, &Figures::unfinished, &Figures::two_names, &Figures::torn, &Figures::reader_stops,
                              &Figures::windows_halved, &Figures::windows_split, &Figures::back_pressure, &Figures::program_stops})
        this->*member += other.*member;
    for (const auto& [kind, count] : other.trouble)
        trouble[kind] += count;
    worst_recovery_ms = std::max(worst_recovery_ms, other.worst_recovery_ms);
    peak_kib = std::max(peak_kib, other.peak_kib);
    totals += other.totals;
    return *this;
}

Round::Round(const Scenario& scenario, const Settings& settings, Random random, Options options)
    : scenario_(scenario), settings_(settings), random_(random), options_(std::move(options)), trouble_(settings.trouble),
      account_({settings.range, settings.lookback, scenario.verified}, expected_rows(settings, settings.range, trouble_.written())),
      files_(options_.directory + "/out", scenario.sink == Sink::arrays) {
    for (const char* name : {"out", "state", "scratch"})
        std::filesystem::create_directories(path(name));
    std::ofstream{path("document.json")} << document(scenario_, settings_, trouble_.port(), path("out"));
    figures_.rounds = 1;
}

void Round::play() {
    for (bool killed = true; killed && account_.violations().empty();) {
        const Plan plan = draw_plan();
        if (scenario_.lookback && plan.behind != Plan::Behind::nothing)
            for (std::uint64_t rows = draw(random_, 3); rows > 0; --rows)
                insert_late_row();
        trouble_.arm(random_);
        start();
        if (plan.behind != Plan::Behind::nothing) draw_actions(started_);
        live(plan);
        std::optional<int> code = program_->wait(milliseconds{0});
        killed = !code;
        if (killed) {
            kill(plan);
            code = program_->wait(milliseconds{10'000});
        }
        reap();
        judge(killed, code.value_or(-1));
    }
    if (account_.violations().empty()) finish();
    trouble_.count_met();
    figures_.trouble = trouble_.met();
    figures_.totals = account_.totals();
}

Round::Plan Round::draw_plan() {
    if (kills_ >= settings_.kills) return {};
    static constexpr std::uint32_t most_events = 40;
    Plan plan;
    const std::uint64_t which = draw(random_, 100);
    plan.behind = which < 35 ? Plan::Behind::state : which < 70 ? Plan::Behind::output : Plan::Behind::time;
    plan.event = static_cast<std::uint32_t>(1 + draw(random_, chance(random_, 50) ? most_events : most_events * 4));
    // Straight behind an event lies the rest of the same write, commit or rename.
    plan.delay = microseconds{chance(random_, 50) ? draw(random_, 60) : draw(random_, 3000)};
    if (plan.behind == Plan::Behind::time) plan.delay = microseconds{draw(random_, settings_.life_ms * 1000)};
    return plan;
}

// What happens while the program runs, besides what each query meets.
void Round::draw_actions(Clock::time_point start) {
    const auto at = [&](std::uint64_t most_ms) { return start + microseconds{draw(random_, most_ms * 1000)}; };
    const auto add = [&](Clock::time_point when, std::function<void()> what) { actions_.push_back({when, std::move(what)}); };
    if (chance(random_, 8)) {
        const Clock::time_point away = at(settings_.life_ms), back = away + microseconds{draw(random_, 120'000)};
        add(away, [this] { trouble_.stop(); });
        add(back, [this] { trouble_.start(); });
    }
    if (scenario_.sink == Sink::pipe && chance(random_, scenario_.slow_reader ? 70 : 30)) {
        const Clock::time_point stop = at(scenario_.slow_reader ? settings_.life_ms / 4 : settings_.life_ms);
        const Clock::time_point on = stop + milliseconds{draw(random_, static_cast<std::uint64_t>(patience) * (scenario_.slow_reader ? 1200 : 300))};
        add(stop, [this] {
            ++figures_.reader_stops;
            reader_->signal(SIGSTOP);
        });
        add(on, [this] { reader_->signal(SIGCONT); });
    }
    if (chance(random_, 5)) {
        const Clock::time_point stop = at(settings_.life_ms);
        add(stop, [this] {
            ++figures_.program_stops;
            program_->signal(SIGSTOP);
        });
        add(stop + milliseconds{draw(random_, 400)}, [this] { program_->signal(SIGCONT); });
    }
    if (scenario_.lookback)
        for (std::uint64_t rows = draw(random_, 3); rows > 0; --rows)
            add(at(settings_.life_ms), [this] { insert_late_row(); });
    std::sort(actions_.begin(), actions_.end(), [](const Action& a, const Action& b) { return a.at > b.at; });
}

// Mostly within reach of look-back behind the cursor as it was after the last kill, sometimes before or after.
void Round::insert_late_row() {
    const Instant cursor = account_.state().exists ? account_.state().position : settings_.range.start;
    const Instant spread = settings_.lookback * 3 / 2;
    Instant t = cursor - spread + static_cast<Instant>(draw(random_, static_cast<std::uint64_t>(2 * spread)));
    t = std::clamp(t, settings_.range.start, settings_.range.stop - 1);
    const std::string number = std::to_string(++next_late_), mine = "\"late " + number + "\"";
    if (trouble_.away()) trouble_.start();
    trouble_.write("stat,host=late\\ " + number + ",line=2,site=north cycles=" + number + "i " + std::to_string(t));
    for (const Row& row : expected_rows(settings_, {t, t + 1}, trouble_.written()))
        if (row.payload.find(mine) != std::string::npos) return account_.inserted(row.time, row.payload);
    account_.violation("the oracle does not know the row " + mine + " that was written at " + text_of(t));
}

void Round::start() {
    account_.begin_run();
    ++figures_.runs;
    watch_.emplace();
    watch_->add(path("state"), Watch::Kind::state);
    int ends[2] = {-1, -1}, file = -1;
    if (scenario_.sink == Sink::pipe) {
        const bool made = ::pipe2(ends, O_CLOEXEC) == 0 && ::fcntl(ends[1], F_SETPIPE_SZ, settings_.pipe_bytes) >= 0;
        file = ::open(path("out/lines").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (!made || file < 0) account_.violation("no pipe can be made");
        reader_.emplace(std::vector<std::string>{"/bin/cat"}, Child::Streams{ends[0], file, path("reader.log")});
    }
    watch_->add(path("out"), Watch::Kind::output);
    started_ = last_delivery_ = measured_ = Clock::now();
    program_.emplace(std::vector<std::string>{options_.program, "run", path("document.json"), "--id", "nl", "--instance", "here", "--state",
                                              path("state"), "--log-format", "json"},
                     Child::Streams{-1, ends[1], path("run.log")}, std::vector<std::string>{token});
    for (const int fd : {ends[0], ends[1], file})
        if (fd >= 0) ::close(fd);
    state_events_ = output_events_ = 0;
    event_seen_ = delivered_ = false;
}

// Until the process has ended, or is to be killed, or hangs.
void Round::live(const Plan& plan) {
    for (;;) {
        const Clock::time_point now = Clock::now();
        act(now);
        if (due(plan, now)) return;
        if (now - last_delivery_ > hang)
            return account_.violation("nothing was delivered for a minute, and the program has not ended: " + log_of_run());
        Clock::duration left = tick;
        if (plan.behind == Plan::Behind::time) left = std::min<Clock::duration>(left, started_ + plan.delay - now);
        if (event_seen_) left = std::min<Clock::duration>(left, event_at_ + plan.delay - now);
        if (!actions_.empty()) left = std::min<Clock::duration>(left, actions_.back().at - now);
        const auto ns = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(left).count());
        const timespec most{ns / 1'000'000'000, ns % 1'000'000'000};
        pollfd both[2] = {{program_->descriptor(), POLLIN, 0}, {watch_->descriptor(), POLLIN, 0}};
        ::ppoll(both, 2, &most, nullptr);
        if (both[1].revents != 0) {
            note_events();
            const std::uint32_t count = plan.behind == Plan::Behind::state ? state_events_ : output_events_;
            const bool waits = plan.behind == Plan::Behind::state || plan.behind == Plan::Behind::output;
            if (waits && !event_seen_ && count >= plan.event) {
                event_seen_ = true;
                event_at_ = Clock::now();
            }
        }
        if (now - measured_ >= tick) {
            figures_.peak_kib = std::max(figures_.peak_kib, program_->peak_kib());
            measured_ = now;
        }
        if (both[0].revents != 0) return;
    }
}

bool Round::due(const Plan& plan, Clock::time_point now) const {
    switch (plan.behind) {
    case Plan::Behind::nothing: return false;
    case Plan::Behind::time: return now >= started_ + plan.delay;
    case Plan::Behind::state:
    case Plan::Behind::output: break;
    }
    // An event that does not come is not waited for.
    return event_seen_ ? now >= event_at_ + plan.delay : now >= started_ + milliseconds{2 * settings_.life_ms};
}

void Round::act(Clock::time_point now) {
    while (!actions_.empty() && actions_.back().at <= now) {
        const std::function<void()> what = std::move(actions_.back().act);
        actions_.pop_back();
        what();
    }
}

void Round::note_events() {
    const Watch::Events events = watch_->take();
    state_events_ += events.state;
    output_events_ += events.output;
    if (!events.delivered) return;
    last_delivery_ = Clock::now();
    if (delivered_) return;
    delivered_ = true;
    const auto took = std::chrono::duration_cast<milliseconds>(last_delivery_ - started_);
    figures_.worst_recovery_ms = std::max<std::int64_t>(figures_.worst_recovery_ms, took.count());
    if (took > hang) account_.violation("the first message came " + std::to_string(took.count()) + " ms after the restart, and not within 60 s");
}

void Round::kill(const Plan& plan) {
    program_->signal(SIGKILL);
    ++kills_;
    switch (event_seen_ ? plan.behind : Plan::Behind::time) {
    case Plan::Behind::state: ++figures_.kills_state; break;
    case Plan::Behind::output: ++figures_.kills_output; break;
    case Plan::Behind::time:
    case Plan::Behind::nothing: ++figures_.kills_time; break;
    }
}

// Whatever the run left undone: the reader reads on to the end of what is in the pipe, the server comes back.
void Round::reap() {
    actions_.clear();
    if (trouble_.away()) trouble_.start();
    if (!reader_) return;
    reader_->signal(SIGCONT);
    if (reader_->wait(milliseconds{20'000}) != 0) account_.violation("the reader of the pipe failed");
    reader_.reset();
}

std::string Round::log_of_run() const {
    std::ifstream in{path("run.log")};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void Round::judge(bool killed, int code) {
    if (!killed && code != 0) return account_.violation("the program ended with " + std::to_string(code) + ": " + log_of_run());
    if (killed && code != 128 + SIGKILL && code != 0)
        return account_.violation("the program ended with " + std::to_string(code) + " before it was killed: " + log_of_run());
    look_at_output();
    const LeftState left = look_at_state();
    RunEnd how;
    const std::string log = log_of_run();
    how.answer_failed = log.find("query.failed") != std::string::npos || log.find("window.halved") != std::string::npos ||
                        log.find("window.split") != std::string::npos;
    figures_.windows_split += log.find("window.split") != std::string::npos ? 1u : 0u;
    figures_.windows_halved += log.find("window.halved") != std::string::npos ? 1u : 0u;
    figures_.back_pressure += log.find("closed during back-pressure") != std::string::npos ? 1u : 0u;
    account_.end_run(left.cursor, how);
    if (killed && chance(random_, 4)) compare_with_program(left);
    for (const auto& entry : std::filesystem::directory_iterator{path("state")})
        if (entry.path().extension() == ".jsonl") account_.violation("there is a dead letter in " + entry.path().string());
}

void Round::look_at_output() {
    const Deliver deliver = [this](const Message& message, const std::string& place) { account_.delivered(message, place); };
    if (scenario_.sink == Sink::pipe) {
        bool torn = false;
        if (const std::string wrong = read_lines(path("out/lines"), torn, deliver); !wrong.empty()) account_.violation(wrong);
        figures_.torn += torn ? 1u : 0u;
        return;
    }
    const FinalFiles::Found found = files_.look(deliver);
    if (!found.wrong.empty()) account_.violation(found.wrong);
    figures_.unfinished += found.unfinished;
    figures_.two_names += found.two_names;
}

LeftState Round::look_at_state() {
    LeftState left = read_left_state(path("state/nl.db"), path("scratch"));
    if (!left.trouble.empty()) account_.violation(left.trouble);
    figures_.commits_cut += left.commit_cut ? 1u : 0u;
    return left;
}

// The program's own words about the state must be those that lie in the file.
void Round::compare_with_program(const LeftState& left) {
    const std::string file = path("show.json");
    const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    Child show{{options_.program, "cursor", "show", path("document.json"), "--id", "nl", "--state", path("state"), "--json"},
               Child::Streams{-1, out, path("show.log")},
               {token}};
    ::close(out);
    const int code = show.wait(milliseconds{20'000}).value_or(-1);
    std::ifstream in{file};
    const std::string said{std::istreambuf_iterator<char>{in}, {}};
    const std::string wanted = "\"cursor\":" + (left.cursor.exists ? left.cursor_json : std::string{"null"});
    if (code == 0 && said.find(wanted) != std::string::npos) return;
    std::ifstream log{path("show.log")};
    account_.violation("`fluxgate cursor show` ends with " + std::to_string(code) + " and says " + said +
                       std::string{std::istreambuf_iterator<char>{log}, {}} + " and the file holds " + wanted);
}

void Round::finish() {
    account_.finish();
    if (const std::string changed = files_.changed(); !changed.empty()) account_.violation(changed);
    const FinalFiles::Found found = files_.look([](const Message&, const std::string&) {});
    if (found.unfinished != 0) account_.violation("unfinished files are left after an orderly end");
    if (!sanitized && figures_.peak_kib > memory_bound_kib)
        account_.violation("the program needed " + std::to_string(figures_.peak_kib) + " KiB, and " + std::to_string(memory_bound_kib) +
                           " KiB are its bound");
}

} // namespace fluxgate::nothing_lost
