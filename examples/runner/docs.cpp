// `fluxgate docs`: hidden, for those who build and package. Writes what manual.hpp and stage_page.hpp make.
#include "docs.hpp"
#include "commands.hpp"
#include "manual.hpp"
#include "stage_page.hpp"

#include <iostream>

namespace fluxgate::runner {

void add_docs(CLI::App& app, CommonOptions& common, DocsOptions& options) {
    CLI::App* docs = app.add_subcommand("docs", "Write the man page, a shell completion, or the page of a stage type to standard output");
    docs->group(""); // hidden
    docs->add_option("WHAT", options.what, "What to write")->required()->check(CLI::IsMember({"man", "bash", "zsh", "fish", "stage"}));
    docs->add_option("TYPE", options.type, "The stage type");
    docs->add_option("--stage-path", common.stage_path, "Look for stage plugins in DIR too")->type_name("DIR");
    options.command = docs;
}

int docs(const CommonOptions& common, const DocsOptions& options, const CLI::App& app) {
    if (options.what == "man") return std::cout << man_page(app) << std::flush ? Exit::done : Exit::failed;
    if (options.what == "bash") return std::cout << bash_completion(app) << std::flush ? Exit::done : Exit::failed;
    if (options.what == "zsh") return std::cout << zsh_completion(app) << std::flush ? Exit::done : Exit::failed;
    if (options.what == "fish") return std::cout << fish_completion(app) << std::flush ? Exit::done : Exit::failed;
    const Host host = make_host(common);
    for (const StageTypeInfo& type : host.stage_types()) {
        if (type.name != options.type) continue;
        const Result<std::string> page = stage_page(type);
        if (page.ok()) return std::cout << *page << std::flush ? Exit::done : Exit::failed;
        std::cerr << "fluxgate: " << page.error().text() << "\n";
        return Exit::failed;
    }
    std::cerr << "fluxgate: there is no stage type \"" << options.type << "\"; `fluxgate stages` lists them\n";
    return Exit::usage;
}

} // namespace fluxgate::runner
