#include "manual.hpp"

#include <algorithm>
#include <vector>

namespace fluxgate::runner {

namespace {

struct Command {
    std::string path; // "cursor set"; "" for the program itself
    const CLI::App* app;
    std::vector<const CLI::App*> below;
};

std::vector<const CLI::App*> visible_below(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); });
}

void collect(const CLI::App& app, const std::string& path, std::vector<Command>& out) {
    out.push_back({path, &app, visible_below(app)});
    for (const CLI::App* one : visible_below(app))
        collect(*one, path.empty() ? one->get_name() : path + " " + one->get_name(), out);
}

// The program itself first, then each command before those below it.
std::vector<Command> commands_of(const CLI::App& app) {
    std::vector<Command> out;
    collect(app, "", out);
    return out;
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* one) { return !one->get_group().empty() && !one->get_positional(); });
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* one) { return one->get_positional(); });
}

bool takes_value(const CLI::Option& option) {
    return option.get_expected_max() != 0; // a flag expects none
}

// The words that an option allows, when it allows only these: CLI11 shows them in braces behind the type.
std::vector<std::string> choices_of(const CLI::Option& option) {
    std::vector<std::string> out;
    const std::string type = option.get_type_name();
    const std::size_t open = type.find('{'), close = type.find('}');
    if (open == std::string::npos || close == std::string::npos) return out;
    for (std::size_t at = open + 1; at < close;) {
        const std::size_t end = std::min(type.find(',', at), close);
        out.push_back(type.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

// What stands for the value: "DIR", "DURATION", "ID".
std::string value_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const std::size_t colon = type.find(':');
    std::string first = type.substr(0, colon), second = colon == std::string::npos ? "" : type.substr(colon + 1);
    if (first == "TEXT" && !second.empty() && second.front() != '{') first = second;
    if (!choices_of(option).empty()) first = "WORD";
    return first.empty() ? "VALUE" : first;
}

bool is_file(const CLI::Option& option) {
    const std::string value = option.get_positional() ? option.get_single_name() : value_of(option);
    return value == "FILE" || value == "PATH";
}

std::vector<std::string> names_of(const CLI::Option& option) {
    std::vector<std::string> out;
    for (const std::string& name : option.get_snames())
        out.push_back("-" + name);
    for (const std::string& name : option.get_lnames())
        out.push_back("--" + name);
    return out;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : between) + word;
    return out;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

// Text of a man page: a backslash, a hyphen that is to be copied, and a line that begins like a request are written another way.
std::string roff(const std::string& text) {
    std::string out = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
    out = replaced(out, "\n.", "\n\\&.");
    out = replaced(out, "\n'", "\n\\&'");
    if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
    return out;
}

std::string roff_names(const CLI::Option& option) {
    std::vector<std::string> names;
    for (const std::string& name : names_of(option))
        names.push_back("\\fB" + roff(name) + "\\fR");
    return joined(names, ", ") + (takes_value(option) ? " \\fI" + roff(value_of(option)) + "\\fR" : "");
}

void man_option(std::string& out, const CLI::Option& option) {
    out += ".TP\n" + roff_names(option) + "\n" + roff(option.get_description());
    if (const auto choices = choices_of(option); !choices.empty()) out += ": " + roff(joined(choices, ", "));
    if (!option.get_default_str().empty()) out += " (default: " + roff(option.get_default_str()) + ")";
    out += "\n";
}

void man_command(std::string& out, const Command& command) {
    out += ".SS " + roff(command.path) + "\n.B fluxgate " + roff(command.path) + "\n";
    for (const CLI::Option* one : positionals_of(*command.app)) {
        const std::string name = "\\fI" + roff(one->get_single_name()) + "\\fR";
        out += one->get_required() ? name + "\n" : "[" + name + "]\n";
    }
    if (!command.below.empty()) out += "\\fICOMMAND\\fR\n";
    if (options_of(*command.app).size() > 1) out += "[\\fIoption\\fR...]\n";
    out += ".PP\n" + roff(command.app->get_description()) + ".\n";
    for (const CLI::Option* one : positionals_of(*command.app))
        out += ".TP\n\\fI" + roff(one->get_single_name()) + "\\fR\n" + roff(one->get_description()) + "\n";
    for (const CLI::Option* one : options_of(*command.app))
        if (one->get_lnames() != std::vector<std::string>{"help"}) man_option(out, *one);
}

// What no definition of an option can say.
constexpr const char* man_tail = R"(.SH EXIT STATUS
.TP
0
done
.TP
1
failed while running, or dead letters with \fB\-\-fail\-on\-dead\-letter\fR
.TP
2
wrong usage or configuration; nothing ran
.TP
3
a step of \fBcheck\fR failed
.TP
130, 143
ended in order by SIGINT, by SIGTERM
.SH SIGNALS
.TP
SIGINT, SIGTERM
No more is read, what is in flight is delivered, and the run ends, \fBdead\-letters replay\fR likewise. A second one ends it at once; nothing that
was acknowledged is lost.
.TP
SIGHUP
The document is read again; only the stages that changed are replaced. \fBexport\fR says that it came, and goes on. From a terminal that goes away: as SIGTERM,
but not under \fBnohup\fR(1).
.SH ENVIRONMENT
.TP
STATE_DIRECTORY, XDG_STATE_HOME, HOME
where state is kept without \fB\-\-state\fR, in this order
.TP
CREDENTIALS_DIRECTORY
where secrets are looked for without \fB\-\-secrets\fR
.TP
FLUXGATE_STAGE_PATH
more directories of stage plugins, separated by colons
.TP
NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID
set by a service manager, see \fBsd_notify\fR(3)
.TP
https_proxy, http_proxy, no_proxy, SSL_CERT_FILE
proxies, and certificates of authorities
.PP
Every other variable may hold a secret that a document names.
.SH SEE ALSO
\fBjq\fR(1), \fBsystemctl\fR(1), \fBsd_notify\fR(3)
)";

std::string zsh_quoted(const std::string& text) {
    return replaced(replaced(replaced(text, "'", "'\\''"), "[", "\\["), "]", "\\]");
}

std::string zsh_action(const CLI::Option& option) {
    if (const auto choices = choices_of(option); !choices.empty()) return "(" + joined(choices, " ") + ")";
    if (is_file(option)) return "_files";
    return value_of(option) == "DIR" ? "_files -/" : "";
}

std::string function_of(const std::string& path) {
    return "_fluxgate" + (path.empty() ? "" : "_" + replaced(replaced(path, " ", "_"), "-", "_"));
}

} // namespace

std::string man_page(const CLI::App& app) {
    std::string out = ".\\\" Made by `fluxgate docs man` from the definitions of the command line.\n"
                      ".TH FLUXGATE 1 \"\" \"fluxgate " FLUXGATE_VERSION "\" \"User Commands\"\n"
                      ".SH NAME\nfluxgate \\- moves time series out of InfluxDB as partitioned JSON messages\n"
                      ".SH SYNOPSIS\n.B fluxgate\n\\fICOMMAND\\fR [\\fIoption\\fR...]\n.SH DESCRIPTION\n" +
                      roff(app.get_description()) + "\n.SH OPTIONS\n";
    for (const CLI::Option* one : options_of(app))
        man_option(out, *one);
    out += ".SH COMMANDS\n";
    for (const Command& command : commands_of(app))
        if (!command.path.empty()) man_command(out, command);
    return out + man_tail;
}

std::string bash_completion(const CLI::App& app) {
    std::string paths, values, words;
    for (const Command& command : commands_of(app)) {
        std::vector<std::string> own;
        for (const CLI::App* one : command.below) {
            own.push_back(one->get_name());
            const std::string path = command.path.empty() ? one->get_name() : command.path + " " + one->get_name();
            paths += "            '" + command.path + " " + one->get_name() + "') command='" + path + "' ;;\n";
        }
        for (const CLI::Option* one : options_of(*command.app)) {
            for (const std::string& name : names_of(*one)) {
                own.push_back(name);
                if (!takes_value(*one)) continue;
                const auto choices = choices_of(*one);
                values += "        '" + command.path + ":" + name + "') ";
                if (!choices.empty())
                    values += "COMPREPLY=($(compgen -W '" + joined(choices, " ") + "' -- \"$cur\")); return ;;\n";
                else if (value_of(*one) == "DIR")
                    values += "COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n";
                else if (is_file(*one))
                    values += "COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n";
                else
                    values += "return ;;\n";
            }
        }
        words += "        '" + command.path + "') words='" + joined(own, " ") + "'; below=" + (command.below.empty() ? "" : "1") + " ;;\n";
    }
    return "# bash completion of fluxgate, made by `fluxgate docs bash` from the definitions of the command line.\n"
           "_fluxgate() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= words= below= i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case \"$command ${COMP_WORDS[i]}\" in\n" +
           paths +
           "        esac\n"
           "    done\n"
           "    COMPREPLY=()\n"
           "    case \"$command:$prev\" in\n" +
           values +
           "    esac\n"
           "    case \"$command\" in\n" +
           words +
           "    esac\n"
           "    if [[ $cur == -* || -n $below ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    else\n"
           "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _fluxgate fluxgate\n";
}

std::string zsh_completion(const CLI::App& app) {
    std::string out = "#compdef fluxgate\n# Made by `fluxgate docs zsh` from the definitions of the command line.\n\n";
    for (const Command& command : commands_of(app)) {
        out += function_of(command.path) + "() {\n";
        std::string arguments = "    _arguments -C";
        for (const CLI::Option* one : options_of(*command.app))
            for (const std::string& name : names_of(*one)) {
                arguments += " \\\n        '" + name + "[" + zsh_quoted(one->get_description()) + "]";
                if (takes_value(*one)) arguments += ":" + value_of(*one) + ":" + zsh_action(*one);
                arguments += "'";
            }
        if (!command.below.empty()) {
            out += "    local line state\n    local -a commands=(\n";
            for (const CLI::App* one : command.below)
                out += "        '" + one->get_name() + ":" + zsh_quoted(replaced(one->get_description(), ":", "\\:")) + "'\n";
            out += "    )\n" + arguments + " \\\n        '1:command:->command' \\\n        '*::argument:->argument'\n    case $state in\n" +
                   "        command) _describe command commands ;;\n        argument)\n            case $line[1] in\n";
            for (const CLI::App* one : command.below)
                out += "                " + one->get_name() + ") " +
                       function_of(command.path.empty() ? one->get_name() : command.path + " " + one->get_name()) + " ;;\n";
            out += "            esac ;;\n    esac\n}\n\n";
            continue;
        }
        for (const CLI::Option* one : positionals_of(*command.app))
            arguments += std::string{" \\\n        '"} + (one->get_required() ? ":" : "::") + one->get_single_name() + ":" +
                         (is_file(*one) ? "_files" : "") + "'";
        out += arguments + "\n}\n\n";
    }
    return out + "_fluxgate \"$@\"\n";
}

std::string fish_completion(const CLI::App& app) {
    const auto quoted = [](const std::string& text) { return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'"; };
    std::string out = "# fish completion of fluxgate, made by `fluxgate docs fish` from the definitions of the command line.\n";
    for (const Command& command : commands_of(app)) {
        std::string when = "__fish_use_subcommand";
        if (!command.path.empty()) when = "__fish_seen_subcommand_from " + replaced(command.path, " ", "; and __fish_seen_subcommand_from ");
        std::vector<std::string> names;
        for (const CLI::App* one : command.below)
            names.push_back(one->get_name());
        if (!command.path.empty() && !names.empty()) when += "; and not __fish_seen_subcommand_from " + joined(names, " ");
        for (const CLI::App* one : command.below)
            out += "complete -c fluxgate -f -n " + quoted(when) + " -a " + one->get_name() + " -d " + quoted(one->get_description()) + "\n";
        for (const CLI::Option* one : options_of(*command.app)) {
            out += "complete -c fluxgate -n " + quoted(when);
            for (const std::string& name : one->get_snames())
                out += " -s " + name;
            for (const std::string& name : one->get_lnames())
                out += " -l " + name;
            if (takes_value(*one)) {
                const auto choices = choices_of(*one);
                if (!choices.empty())
                    out += " -x -a " + quoted(joined(choices, " "));
                else if (value_of(*one) == "DIR")
                    out += " -x -a '(__fish_complete_directories)'";
                else
                    out += is_file(*one) ? " -r" : " -x";
            }
            out += " -d " + quoted(one->get_description()) + "\n";
        }
    }
    return out;
}

} // namespace fluxgate::runner
