// What a person sees who mistypes something: the name that is wrong, the one that may be meant, where all of them are told.
#include "runner.hpp"
#include "support/catch.hpp"

using namespace fluxgate;
using test::run_fluxgate;

namespace {

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("what is mistyped is named, with what may be meant and the help of that very command") {
    struct Case {
        Lines arguments;
        std::string said;
    };
    for (const Case& c : {
             Case{
                 {},
                 "fluxgate: a command is missing: run, init, validate, check, cursor, dead-letters, plan, schema, export, stages; `fluxgate --help`"},
             Case{{"runn", "x"}, "fluxgate: there is no command runn; did you mean run? `fluxgate --help` shows all there is"},
             Case{{"--verson"}, "fluxgate: there is no option --verson; did you mean --version?"},
             Case{{"cursor", "shw", "x"}, "fluxgate cursor: there is no command shw; did you mean show? `fluxgate cursor --help`"},
             Case{{"dead-letters"}, "fluxgate dead-letters: a command is missing: list, show, replay;"},
             Case{{"run", "--helo"}, "fluxgate run: there is no option --helo; did you mean --help? `fluxgate run --help`"}, // not: FILE is required
             Case{{"run", "x", "--secret=abcde"}, "there is no option --secret; did you mean --secrets?"},
             Case{{"run", "x", "--progres", "--metrics", "0"}, "there is no option --progres; did you mean --progress?"},
             Case{{"plan", "x", "--josn"}, "fluxgate plan: there is no option --josn; did you mean --json?"},
             Case{{"check", "x", "--timout", "3s"}, "fluxgate check: there is no option --timout; did you mean --timeout?"},
             Case{{"validate", "x", "--explian"}, "fluxgate validate: there is no option --explian; did you mean --explain?"},
             Case{{"init", "x", "--incrementel"}, "fluxgate init: there is no option --incrementel; did you mean --incremental?"},
             Case{{"export", "x", "--buckte", "b"}, "fluxgate export: there is no option --buckte; did you mean --bucket?"},
             Case{{"schema", "x", "--field", "abcde"}, "fluxgate schema: there is no option --field; `fluxgate schema --help`"},
             Case{{"dead-letters", "replay", "x", "--numbr", "1"},
                  "fluxgate dead-letters replay: there is no option --numbr; did you mean --number?"},
             Case{{"run", "x", "more"}, "fluxgate run: more is one argument too many; one with spaces stands in quotation marks;"},
             Case{{"run", "x", "--for"}, "fluxgate run: --for needs a value: --for DURATION;"},
             Case{{"schema", "x", "--max-values", "few"}, "--max-values: must be a whole number of at most 9 digits; found few"},
             Case{{"run", "x", "--secrets", "/nowhere"}, "--secrets: must be a directory; found /nowhere: No such file or directory"},
             Case{{"run", "x", "--secrets", "/dev/null"}, "--secrets: must be a directory; found /dev/null: Not a directory"},
             Case{{"cursor", "set", "x"}, "fluxgate cursor set: TIME is required; `fluxgate cursor set --help`"},
         }) {
        const test::Finished f = run_fluxgate(c.arguments);
        INFO(f.err << "\n" << c.said);
        CHECK(f.code == 2);
        CHECK(f.out.empty());
        CHECK(test::lines_of(f.err).size() == 1);
        CHECK(f.err.find(c.said) != std::string::npos);
        CHECK(f.err.find("abcde") == std::string::npos); // what stands behind an option may be a secret
    }
}

TEST_CASE("an option that may be repeated takes one value at a time, so the document may follow it") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::original_document(server->port()));
    CHECK(run_fluxgate({"run", "--stage-path", directory.path(), file, "--once"}, directory.path()).code == 0);
    const test::Finished two = run_fluxgate({"schema", "--bucket", "plant", "--bucket", "test-bucket", "--measurement", "energy", file, "--json"});
    INFO(two.err);
    CHECK(two.code == 0);
    CHECK(two.out.find("\"bucket\":\"test-bucket\"") != std::string::npos);
}

TEST_CASE("a switch has no value in the man page and in completions, and an option has one") {
    const std::string page = run_fluxgate({"docs", "man"}).out;
    CHECK(page.find("\\-\\-once\\fR\n") != std::string::npos);
    CHECK(page.find("\\-\\-for\\fR \\fIDURATION\\fR\n") != std::string::npos);
    const std::string bash = run_fluxgate({"docs", "bash"}).out;
    CHECK(bash.find("'run:--once'") == std::string::npos);
    CHECK(bash.find("'run:--for'") != std::string::npos);
    CHECK(run_fluxgate({"export", "--help"}).out.find("{false}") == std::string::npos);
}
