// The hidden command `docs`.
#pragma once

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <string>

namespace fluxgate::runner {

struct DocsOptions {
    std::string what, type;
    const CLI::App* command = nullptr; // to see whether it was given
};

void add_docs(CLI::App& app, CommonOptions& common, DocsOptions& options);
int docs(const CommonOptions& common, const DocsOptions& options, const CLI::App& app);

} // namespace fluxgate::runner
