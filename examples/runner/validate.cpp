// `fluxgate validate`: every fault of a document, or the document as it takes effect.
#include "commands.hpp"
#include "fluxgate/pipeline.hpp"

#include <iostream>

namespace fluxgate::runner {

int validate(const CommonOptions& common, const ValidateOptions& options) {
    const std::optional<std::string> text = read_document(options.file);
    if (!text) return Exit::usage;
    Host host = make_host(common);
    const Validation found = Pipeline::validate(host, *text);
    print_violations(options.file, found.violations);
    if (!found.valid) return Exit::usage;
    if (!options.explain) {
        std::cout << options.file << ": valid" << (found.enabled ? "" : " (disabled: it will not run)") << "\n";
        return Exit::done;
    }
    const Result<std::string> explained = Pipeline::explain(host, *text);
    if (!explained.ok()) {
        print_violations(options.file, violations_of(explained.error()));
        return Exit::usage;
    }
    std::cout << *explained << std::flush;
    if (std::cout) return Exit::done;
    std::cerr << "fluxgate: standard output cannot be written\n";
    return Exit::failed;
}

} // namespace fluxgate::runner
