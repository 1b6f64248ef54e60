// What the commands on dead letters share.
#pragma once

#include "commands.hpp"
#include "letter_file.hpp"
#include "signals.hpp"

#include <string>

namespace fluxgate::runner {

// The pipeline that dead letters are of.
struct LetterTarget {
    Host host;
    std::string document, file, pipeline;
    bool incremental = false;
};

// Says the error on standard error; the exit code.
int refuse(const Error& error);

int replay(const CommonOptions& common, const LettersOptions& options, LetterTarget& target, LetterFile& file, const Signals& signals);

} // namespace fluxgate::runner
