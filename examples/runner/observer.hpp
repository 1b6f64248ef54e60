// `run --metrics`: what the program shows over HTTP.
#pragma once

#include "fluxgate/pipeline.hpp"
#include "observe/answer.hpp"
#include "observe/server.hpp"

#include <cstdint>
#include <memory>

namespace fluxgate::runner {

// Listens from its making to its end. Host and pipeline must outlive it.
class Observer {
public:
    // Errc::configuration: the address is not to be had. Says in the log where it listens.
    static Result<std::unique_ptr<Observer>> start(const observe::Listen& where, const Host& host, const Pipeline& pipeline);

private:
    Observer(const Host& host, const Pipeline& pipeline, bool loopback);
    [[nodiscard]] observe::Report report() const;

    const Host& host_;
    const Pipeline& pipeline_;
    const std::int64_t began_wall_ns_;
    const observe::Pages pages_;
    std::unique_ptr<observe::Server> server_;
};

} // namespace fluxgate::runner
