// Reads windows, one a lane: starts them, drives them side by side, and hands their batches out once their edges are stored.
#pragma once

#include "lane.hpp"
#include "window/split.hpp"
#include "windows.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace fluxgate::influxdb {

class WindowReader {
public:
    // Sends the query of a window on a lane, or says why it cannot be sent.
    using Begin = std::function<Result<void>(Lane& lane, const WindowRead& window)>;

    WindowReader(const Settings& settings, stage::Host host, const std::shared_ptr<partition::Partitioner>& partitioner, Begin begin);

    [[nodiscard]] Windows& windows() noexcept { return windows_; }
    [[nodiscard]] Lane& lane() noexcept { return *slots_.front().lane; } // one of them

    void begin_tick();
    [[nodiscard]] bool in_tick() const noexcept { return in_tick_; }

    struct Event {
        enum class Kind {
            nothing, // within the time
            read,    // a window, or a part of one, was read to its end, see lane
            over,    // the tick is: everything up to now is read
            ended,   // everything up to incremental.stop is
            waiting, // for acknowledgements: nothing to do until then
            failed,  // see error and lane; nothing is being read any more, and the tick is over
            fatal    // see error
        } kind = Kind::nothing;
        Lane* lane = nullptr;
        Error error;
        bool halved = false; // failed: the next try asks for less
    };
    // Works until something happened, at most until the deadline. Precondition: no batch is ready.
    Event work(std::int64_t deadline_ns);

    // The next batch, if there is one. Errc::state: there is, and its window's edges cannot be stored; it stays.
    Result<std::optional<fg_batch>> take();

    void wake() noexcept;  // any thread
    void abort() noexcept; // every exchange

private:
    struct Slot {
        std::unique_ptr<Lane> lane;
        Windows::Id window = 0; // 0: free
        WindowRead read;
        bool begun = false;              // the query of `read` was sent
        std::optional<Lane::Step> ended; // succeeded or failed, when the last of its batches is taken
    };
    // Of a window's parts that are read.
    struct Parts {
        Windows::Outcome outcome;
        std::uint64_t suppressed = 0;
    };
    void show(const Slot& slot, const window::Edges& edges) const;
    std::optional<Event> close(Slot& slot);
    std::optional<Event> close_failed(Slot& slot);
    void complete(Slot& slot);
    void keep_fingerprints(window::Prints prints, Windows::Outcome& outcome) const;
    [[nodiscard]] bool split(const Slot& slot, const window::Edges& edges);
    std::optional<Event> start();
    bool begin(Slot& slot);
    void give_back(Slot& slot);
    std::optional<Event> drive(std::int64_t deadline_ns);
    std::optional<Event> ran(Slot& slot, Lane::Step step);
    [[nodiscard]] bool reading() const;
    Event give_up_tick();
    [[nodiscard]] std::int64_t now() const;
    void keep_to_server(const Lane& lane);

    const Settings& settings_;
    const stage::Host host_;
    const Begin begin_;
    Windows windows_;
    window::Split split_;
    std::unordered_map<Windows::Id, Parts> parts_; // of windows that are not complete
    std::shared_ptr<http::Loop> loop_;
    std::vector<Slot> slots_;
    bool in_tick_ = false;
    std::int64_t behind_ns_ = 0; // the server's clock, behind ours
    bool told_behind_ = false;
    std::optional<Event> trouble_; // of this tick: nothing new is begun, and the rest is read to its end
};

} // namespace fluxgate::influxdb
