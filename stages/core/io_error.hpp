// Errors of files and devices as values.
#pragma once

#include "fluxgate/error.hpp"

#include <string>
#include <system_error>

namespace fluxgate::core {

// "cannot <what> <name>: No space left on device (errno 28); <next step>".
inline Error io_error(const std::string& what, const std::string& name, int code, const std::string& next_step = {}) {
    std::string text = "cannot " + what + " " + name + ": " + std::generic_category().message(code) + " (errno " + std::to_string(code) + ")";
    if (!next_step.empty()) text += "; " + next_step;
    return {Errc::io, std::move(text)};
}

} // namespace fluxgate::core
