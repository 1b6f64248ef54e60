#include "asking.hpp"

#include "config/duration.hpp"
#include "fluxgate/pipeline.hpp"
#include "terminal.hpp"

#include <iostream>
#include <utility>

namespace fluxgate::runner {

std::optional<Question> question_of(const CheckOptions& options) {
    const Result<std::chrono::nanoseconds> timeout = config::parse_duration(options.timeout);
    if (!timeout.ok()) {
        std::cerr << "fluxgate: --timeout " << options.timeout << ": " << timeout.error().message << "; write it like 30s or 1h10m\n";
        return std::nullopt;
    }
    std::optional<std::string> text = read_document(options.file);
    if (!text) return std::nullopt;
    return Question{std::move(*text), *timeout};
}

int unanswered(const CheckOptions& options, const Error& error) {
    if (error.code == Errc::configuration) {
        print_violations(options.file, violations_of(error));
        return Exit::usage;
    }
    std::cerr << "fluxgate: " << (std::cout ? shown(error.text(), 10) : "standard output cannot be written") << "\n";
    return error.code == Errc::invalid_argument ? Exit::usage : Exit::failed; // a name that does not exist is wrong usage too
}

} // namespace fluxgate::runner
