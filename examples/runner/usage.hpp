// Wrong usage: what was mistyped, what may be meant, and where all of it is told.
#pragma once

#include <CLI/CLI.hpp>

namespace fluxgate::runner {

// The exit code, after printing help or version where they were asked for, or on standard error what is wrong.
int end_of_parsing(const CLI::App& app, const CLI::ParseError& error);

// For options that take a number, and for those that take a directory that is there.
CLI::Validator whole_number();
CLI::Validator readable_directory();

} // namespace fluxgate::runner
