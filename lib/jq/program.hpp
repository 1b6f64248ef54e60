// A compiled jq expression, evaluated by libjq on one JSON text after another.
#pragma once

#include "fluxgate/error.hpp"
#include "jq/refusals.hpp"
#include "jq/value.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::jq {

// What one evaluation gave. `outputs` came before whatever ended it.
struct Evaluation {
    std::vector<Value> outputs;
    // The evaluation was left after as many outputs as were asked for; whether more would come is not known.
    bool left = false;
    // The input is not JSON, or jq raised an error: `error` says which, in libjq's words. `error(null)` is no error, it
    // ends the outputs like `empty`.
    bool failed = false;
    std::string error;
    // The time limit passed and the evaluation was halted. What it had put out is not to be trusted as complete.
    bool timed_out = false;

    void clear() noexcept;
};

// Not thread-safe: one thread at a time (several programs may run in several threads). Compiling costs milliseconds,
// an evaluation microseconds: keep programs.
//
// Limits. The time limit stops jq's own byte code, also endless recursion; it cannot stop one builtin that runs long
// (`"x" * 1e9`, a slow regular expression) nor a runaway allocation, which ends the process when memory ends. Numbers are
// doubles. JSON nested deeper than libjq's parser allows (256 in 1.6) is an error; values built deeper than the C stack
// can free crash. `$__loc__` counts lines from 2.
class Program {
public:
    static constexpr std::chrono::nanoseconds default_limit = std::chrono::seconds{1};
    static constexpr std::size_t max_expression_bytes = std::size_t{64} * 1024;

    // Error Errc::jq: jq's own messages with line and column in `expression`, or the refused name (see refusals.hpp), or
    // $HOME/.jq exists: libjq would prepend that file's definitions to every expression.
    static Result<std::unique_ptr<Program>> compile(std::string_view expression, Use use, std::chrono::nanoseconds limit = default_limit);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    // Evaluates on one JSON text until the outputs end or `max_outputs` came. The answer lives until the next call.
    const Evaluation& evaluate(std::string_view json, std::size_t max_outputs);

private:
    struct Impl;
    explicit Program(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate::jq
