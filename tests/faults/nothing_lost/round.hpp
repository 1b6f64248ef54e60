// One round: a fresh state and a fresh output, the program killed and started again until it has come to incremental.stop, and the
// books that must hold after each kill and at the end.
#pragma once

#include "child.hpp"
#include "outputs.hpp"
#include "scenario.hpp"
#include "state_copy.hpp"
#include "watch.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxgate::nothing_lost {

struct Figures {
    std::uint64_t rounds = 0, runs = 0;
    std::uint64_t kills_state = 0, kills_output = 0, kills_time = 0; // behind an event there / at any moment
    std::uint64_t commits_cut = 0;                                   // kills in the middle of a commit of the state
    std::uint64_t unfinished = 0;                                    // files that kills left without a final name
    std::uint64_t two_names = 0;                                     // of these: killed between the final name and the removal of the other
    std::uint64_t torn = 0;                                          // lines that kills tore off on the pipe
    std::uint64_t reader_stops = 0, program_stops = 0;               // SIGSTOP
    std::uint64_t windows_halved = 0, windows_split = 0;             // runs in which the program told of it
    std::uint64_t back_pressure = 0;                                 // runs in which the server left because we did not read
    std::map<std::string, std::uint64_t> trouble;                    // of the server
    std::int64_t worst_recovery_ms = 0;                              // from the start of a run to its first delivered message
    std::uint64_t peak_kib = 0;
    Totals totals;
    [[nodiscard]] std::uint64_t kills() const { return kills_state + kills_output + kills_time; }
    Figures& operator+=(const Figures& other);
};

class Round {
public:
    struct Options {
        std::string program;   // fluxgate
        std::string directory; // of this round alone
    };
    Round(const Scenario& scenario, const Settings& settings, Random random, Options options);

    // Until the end, or the first violation.
    void play();

    [[nodiscard]] const Figures& figures() const noexcept { return figures_; }
    [[nodiscard]] const std::vector<std::string>& violations() const { return account_.violations(); }

private:
    using Clock = std::chrono::steady_clock;
    struct Plan { // of a kill
        enum class Behind : std::uint8_t { nothing, state, output, time } behind = Behind::nothing;
        std::uint32_t event = 0;           // the how-many-th
        std::chrono::microseconds delay{}; // after it, or after the start
    };
    struct Action {
        Clock::time_point at;
        std::function<void()> act;
    };

    [[nodiscard]] Plan draw_plan();
    void draw_actions(Clock::time_point start);
    void insert_late_row();
    void start();
    void live(const Plan& plan);
    bool due(const Plan& plan, Clock::time_point now) const;
    void act(Clock::time_point now);
    void kill(const Plan& plan);
    void note_events();
    void reap();
    void judge(bool killed, int code);
    void look_at_output();
    LeftState look_at_state();
    void compare_with_program(const LeftState& left);
    void finish();
    [[nodiscard]] std::string path(const std::string& name) const { return options_.directory + "/" + name; }
    [[nodiscard]] std::string log_of_run() const;

    const Scenario& scenario_;
    const Settings settings_;
    Random random_;
    const Options options_;
    Trouble trouble_;
    Account account_;
    FinalFiles files_;
    Figures figures_;

    // Of the run:
    std::optional<Child> program_, reader_;
    std::optional<Watch> watch_;
    Clock::time_point started_, last_delivery_, measured_;
    std::vector<Action> actions_; // by time, the next one last
    std::uint32_t state_events_ = 0, output_events_ = 0;
    Clock::time_point event_at_; // when the plan's event happened
    bool event_seen_ = false, delivered_ = false;
    std::uint32_t kills_ = 0, next_late_ = 0;
};

} // namespace fluxgate::nothing_lost
