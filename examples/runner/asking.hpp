// What check, schema and plan have in common: a document is read, its source is asked for lines within a time, and the end is told.
#pragma once

#include "commands.hpp"

#include "fluxgate/error.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace fluxgate::runner {

struct Question {
    std::string document;
    std::chrono::nanoseconds timeout{};
};

// None after saying on standard error what is wrong: a time that is none, a file that cannot be read.
std::optional<Question> question_of(const CheckOptions& options);

// The exit code, after saying on standard error why there are no more lines.
int unanswered(const CheckOptions& options, const Error& error);

} // namespace fluxgate::runner
