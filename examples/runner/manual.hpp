// Man page and shell completions, made from the definitions of the command line, so that they cannot say anything else.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace fluxgate::runner {

std::string man_page(const CLI::App& app);        // fluxgate(1), in man(7)
std::string bash_completion(const CLI::App& app); //
std::string zsh_completion(const CLI::App& app);  //
std::string fish_completion(const CLI::App& app); //

} // namespace fluxgate::runner
