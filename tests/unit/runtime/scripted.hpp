// Stages that do what a test tells them, registered in-process, and engines made of them.
//
// A Script is shared between the test and the stages of one host: the test sets it up, lets the engine run, and waits for
// what it expects with Script::until (which has a deadline, and never sleeps for a fixed time).
#pragma once

#include "runtime/engine.hpp"

#include "fluxgate/stage.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fluxgate::test {

// JSON Lines with spans, owned by the batch; counts live batches.
fg_batch make_batch(std::uint64_t sequence, std::uint32_t partition, const std::vector<std::string>& messages);
std::uint64_t live_batches();
std::vector<std::string> texts_of(const fg_batch& batch);
// "m7". Not an operator +: g++ 12 warns about that in error (its bug 105651).
std::string numbered(std::string prefix, std::uint64_t number);

struct Planned {
    std::uint32_t partition = 0;
    std::vector<std::string> messages;
};

struct Script {
    std::mutex mutex;
    std::condition_variable cv;

    // The source: its batches, in order, with sequences from 1. Then it ends (or waits until cancelled).
    std::uint32_t partitions = 1;
    std::vector<Planned> plan;
    bool stuck = false;                  // next does not return, not even when cancelled, until this is false again
    bool endless = false;                // after the plan: nothing yet, until cancelled
    std::string throws_in;               // "next", "acknowledge", "process", "write", "poll", "flush", "create:output", ...
    std::map<std::string, Error> errors; // as throws_in, by entry
    std::size_t letters_before_each = 0; // dead letters of the source before every batch
    // What it saw.
    std::size_t handed = 0, calls_of_next = 0;
    std::map<std::uint64_t, int> acks; // sequence -> outcome
    std::size_t double_acks = 0;
    bool cancelled = false, stopped = false;
    std::function<void(std::uint64_t, int)> on_ack; // under the mutex
    std::vector<std::string> lives;                 // "+a/0" when an instance is made, "-a/0" when it is released; the source is "input"
    [[nodiscard]] std::size_t count_of(const std::string& life) const {
        return static_cast<std::size_t>(std::count(lives.begin(), lives.end(), life));
    }

    // Outputs, by stage id.
    std::map<std::string, bool> blocked;                                              // answers busy
    std::map<std::string, bool> holds;                                                // takes batches, completes them at a flush or release_held()
    std::map<std::string, std::map<std::uint32_t, std::vector<std::string>>> written; // stage -> partition -> messages
    struct Held {
        stage::Host host;
        std::uint64_t token;
        std::string stage;
        std::uint64_t sequence;
    };
    std::vector<Held> held;
    std::map<std::string, std::size_t> polls;
    std::function<void(const stage::Host&, std::uint64_t token)> on_write; // instead of completing

    // Waits until `condition` (under the mutex) holds; false after ten seconds.
    bool until(const std::function<bool()>& condition);
    void set(const std::function<void()>& change);
    void release_held(const std::string& stage, fg_outcome outcome);
    [[nodiscard]] bool acked(std::uint64_t sequence, int outcome) const { return acks.count(sequence) != 0 && acks.at(sequence) == outcome; }
};

// A host with the types input/script@v1, processor/script@v1 (messages that contain "drop" are dropped, "letter" become dead
// letters, "twice" become two) and output/script@v1, which act on the newest Script.
struct Bench {
    Bench();
    std::shared_ptr<Script> script = std::make_shared<Script>();
    std::vector<std::string> log; // guarded by script->mutex
    std::unique_ptr<Host> host;

    // "input>a,b a>out1 b>out2", or "a=2>out1" for a stage with other settings: stages named out* are outputs, the others processors.
    config::PipelineDocument graph(const std::string& text) const;
    std::shared_ptr<runtime::Engine> engine(const std::string& graph_text, std::unique_ptr<runtime::DeadLetterFile> letters = nullptr,
                                            std::uint64_t max_bytes = 2u << 20, std::uint64_t total_bytes = 16u << 20);
    [[nodiscard]] bool logged(const std::string& part);
    // The three types, for a host with other options.
    static std::array<const fg_stage_type*, 3> types();
};

// Waits for the end, at most ten seconds; the outcome.
Outcome end_of(runtime::Engine& engine);

// A file in a fresh temporary directory, removed with the object.
struct TempDir {
    TempDir();
    ~TempDir();
    std::string path;
};
std::vector<std::string> lines_of(const std::string& path);

} // namespace fluxgate::test
