// `fluxgate dead-letters`: what was put aside, looked at.
#include "letter_commands.hpp"
#include "terminal.hpp"

#include "fluxgate/pipeline.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

constexpr std::size_t beginning = 60; // characters of raw that a list shows

// At most `most` characters, the last one a mark when there are more. Cuts between UTF-8 sequences.
std::string cut(const std::string& text, std::size_t most) {
    std::size_t at = 0, count = 0;
    while (at < text.size() && count < most) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
            ++at;
        ++count;
    }
    return at == text.size() ? text : text.substr(0, at) + "...";
}

const char* state_of(const LetterFile& file, const Letter& letter) {
    if (file.replayed(letter)) return "replayed";
    return letter.truncated ? "cut" : "open";
}

void print_line(const LetterFile& file, const Letter& letter) {
    std::array<char, 160> head{};
    std::snprintf(head.data(), head.size(), "%6llu  %-24.24s  %-8s  %-16.16s  %-20.20s  %9s  ", static_cast<unsigned long long>(letter.number),
                  shown(letter.time, 0).c_str(), state_of(file, letter), shown(letter.stage, 0).c_str(), shown(letter.code, 0).c_str(),
                  letter.partition ? std::to_string(*letter.partition).c_str() : "-");
    std::string raw = cut(letter.raw.substr(0, 8 * beginning), beginning);
    for (char& c : raw)
        if (c == '\n') c = ' ';
    std::cout << head.data() << shown(raw, 0) << '\n';
}

void print_json(const LetterFile& file, const Letter& letter) {
    std::cout << "{\"number\":" << letter.number << ",\"replayed\":" << (file.replayed(letter) ? "true" : "false") << (letter.line == "{}" ? "" : ",")
              << std::string_view{letter.line}.substr(1) << '\n';
}

struct Count {
    std::uint64_t all = 0, replayed = 0;
};

int list(LetterFile& file, const LettersOptions& options) {
    if (Result<void> found = file.find_marks(); !found.ok()) return refuse(found.error());
    if (!options.json)
        std::printf("%6s  %-24s  %-8s  %-16s  %-20s  %9s  %s\n", "NUMBER", "TIME", "STATE", "STAGE", "REASON", "PARTITION", "BEGINNING");
    std::fflush(stdout);
    std::map<std::string, Count> reasons;
    Count total;
    const Result<void> read = file.each([&](Letter& letter) {
        options.json ? print_json(file, letter) : print_line(file, letter);
        for (Count* count : {&total, &reasons[letter.code]}) {
            ++count->all;
            count->replayed += file.replayed(letter) ? 1 : 0;
        }
        return static_cast<bool>(std::cout);
    });
    if (!read.ok()) return refuse(read.error());
    if (options.json) return std::cout.flush() ? Exit::done : Exit::failed;
    std::cout << "\n"
              << total.all << (total.all == 1 ? " dead letter" : " dead letters") << " in " << file.path() << ", " << total.replayed << " replayed\n";
    for (const auto& [reason, count] : reasons)
        std::cout << "  " << shown(reason, 0) << ": " << count.all << ", " << count.replayed << " replayed\n";
    if (file.damaged() != 0) std::cout << "  lines that are no dead letters: " << file.damaged() << "\n";
    return std::cout.flush() ? Exit::done : Exit::failed;
}

int show(LetterFile& file, const LettersOptions& options) {
    const std::string& text = options.number.empty() ? options.file : options.number;
    const std::uint64_t number = std::strtoull(text.c_str(), nullptr, 10);
    if (text.find_first_not_of("0123456789") != std::string::npos || number == 0) {
        std::cerr << "fluxgate: " << text << ": the number of a dead letter is wanted, as `fluxgate dead-letters list` shows it\n";
        return Exit::usage;
    }
    if (Result<void> found = file.find_marks(); !found.ok()) return refuse(found.error());
    std::optional<Letter> wanted;
    const Result<void> read = file.each([&](Letter& letter) {
        if (letter.number == number) wanted = std::move(letter);
        return !wanted;
    });
    if (!read.ok()) return refuse(read.error());
    if (!wanted) {
        std::cerr << "fluxgate: " << file.path() << " has no dead letter " << number << "; `fluxgate dead-letters list` shows the numbers\n";
        return Exit::failed;
    }
    if (options.json) {
        print_json(file, *wanted);
    } else {
        std::cout << "number     " << number << "\ntime       " << shown(wanted->time, 0) << "\nstate      " << state_of(file, *wanted)
                  << "\npipeline   " << shown(wanted->pipeline, 0) << "\nstage      " << shown(wanted->stage, 0) << "\nreason     "
                  << shown(wanted->code, 0) << ": " << shown(wanted->text, 11) << "\npartition  "
                  << (wanted->partition ? std::to_string(*wanted->partition) : "-") << "\n"
                  << (wanted->truncated ? "raw        (only the beginning)\n" : "raw\n") << shown(wanted->raw, 0) << "\n";
    }
    return std::cout.flush() ? Exit::done : Exit::failed;
}

// No file may mean no dead letter, or another place.
int not_opened(Error error, const std::string& path, const LettersOptions& options) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        error.message += std::string{"; a run makes it with its first dead letter"} +
                         (options.path.empty() ? ", beside its state (--state, --id) or where it runs; --dead-letter PATH names another" : "");
    return refuse(error);
}

} // namespace

int refuse(const Error& error) {
    std::cerr << "fluxgate: " << error.text() << "\n";
    return Exit::failed;
}

int dead_letters(const CommonOptions& common, const LettersOptions& options) {
    using What = LettersOptions::What;
    const bool has_document = options.what == What::show ? !options.number.empty() : !options.file.empty();
    if (!has_document && options.path.empty()) {
        const bool number_missing = options.what == What::show;
        std::cerr << "fluxgate: "
                  << (number_missing
                          ? "show takes a document and a number, or --dead-letter PATH and a number; `fluxgate dead-letters list` shows the numbers"
                          : "name a pipeline document, or a file of dead letters with --dead-letter PATH")
                  << "\n";
        return Exit::usage;
    }
    std::optional<Signals> signals;
    if (options.what == What::replay) signals.emplace(); // before the first thread
    std::optional<LetterTarget> target;
    std::string path = options.path;
    if (has_document && (options.what == What::replay || path.empty())) {
        std::optional<std::string> text = read_document(options.file);
        if (!text) return Exit::usage;
        Host host = make_host(common);
        const Validation found = Pipeline::validate(host, *text);
        if (!found.valid) {
            print_violations(options.file, found.violations);
            return Exit::usage;
        }
        target.emplace(
            LetterTarget{std::move(host), std::move(*text), options.file, pipeline_id(options.id, found.name, options.file), found.incremental});
        if (path.empty()) path = dead_letter_file(common, target->pipeline, target->incremental);
    }
    Result<LetterFile> file = LetterFile::open(path);
    if (!file.ok()) return not_opened(file.error(), path, options);
    switch (options.what) {
    case What::list: return list(*file, options);
    case What::show: return show(*file, options);
    case What::replay: return replay(common, options, *target, *file, *signals);
    }
    return Exit::usage;
}

} // namespace fluxgate::runner
