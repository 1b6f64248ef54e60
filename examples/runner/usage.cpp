#include "usage.hpp"

#include "commands.hpp"
#include "config/names.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace fluxgate::runner {

namespace {

// The command that was being read, "cursor set" for one that stands in another.
struct Typed {
    const CLI::App* app;
    std::string path;
};

Typed typed_in(const CLI::App& app) {
    Typed out{&app, app.get_name()};
    for (auto inner = app.get_subcommands(); !inner.empty(); inner = out.app->get_subcommands()) {
        out.app = inner.front();
        out.path += ' ' + out.app->get_name();
    }
    return out;
}

std::string meant(std::string_view name, const std::vector<std::string>& all) {
    const std::string_view nearest = config::nearest_name(name, {all.begin(), all.end()});
    return nearest.empty() ? std::string{} : "; did you mean " + std::string{nearest} + "?";
}

// The names of the commands inside of one, but for hidden ones.
std::vector<std::string> commands_in(const CLI::App& app) {
    std::vector<std::string> out;
    for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!one->get_group().empty()) out.push_back(one->get_name());
    return out;
}

// An option or a command that there is not; "" when nothing is left over. Values are not told: one may be a secret.
std::string misspelt(const Typed& command, const std::vector<std::string>& left) {
    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& one) { return one.size() > 1 && one[0] == '-'; });
    if (option != left.end()) {
        const std::string name = option->substr(0, option->find('='));
        std::vector<std::string> all;
        for (const CLI::Option* one : command.app->get_options())
            for (const std::string& known : one->get_lnames())
                all.push_back("--" + known);
        return "there is no option " + shown(name, 0) + meant(name, all);
    }
    if (left.empty()) return {};
    if (const std::vector<std::string> all = commands_in(*command.app); !all.empty())
        return "there is no command " + shown(left.front(), 0) + meant(left.front(), all);
    return shown(left.front(), 0) + " is one argument too many; one with spaces stands in quotation marks";
}

// The words of the parser, and what it would take.
std::string words_of(const Typed& command, const CLI::ParseError& error) {
    std::string said = error.what();
    if (const std::vector<std::string> all = commands_in(*command.app); !all.empty() && command.app->get_subcommands().empty()) {
        std::string out = "a command is missing:";
        for (const std::string& one : all)
            out += ' ' + one + (&one == &all.back() ? "" : ",");
        return out;
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const std::string name = said.substr(0, said.find(':'));
        const CLI::Option* option = command.app->get_option_no_throw(name);
        if (option != nullptr) return name + " needs a value: " + name + ' ' + option->get_type_name();
    }
    return said;
}

} // namespace

int end_of_parsing(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const Typed command = typed_in(app);
    std::string what;
    // What is missing may only be misspelt, and a command that is not there has no options.
    const bool of_counts = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    if (of_counts) what = misspelt(command, command.app->remaining());
    if (what.empty()) what = words_of(command, error);
    std::cerr << command.path << ": " << what << (what.back() == '?' ? " `" : "; `") << command.path << " --help` shows all there is\n";
    return Exit::usage;
}

CLI::Validator whole_number() {
    return {[](std::string& text) {
                const bool good = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
                return good ? std::string{} : "must be a whole number of at most 9 digits; found " + shown(text, 0);
            },
            "", "number"};
}

CLI::Validator readable_directory() {
    return {[](std::string& text) {
                const int fd = ::open(text.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0) return "must be a directory; found " + shown(text, 0) + ": " + std::strerror(errno);
                ::close(fd);
                return std::string{};
            },
            "", "directory"};
}

} // namespace fluxgate::runner
