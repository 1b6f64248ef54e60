// Files that are not there or may not be touched: what the program says names the file, the reason and the next step, and is never a guess
// that there is nothing.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/recording.hpp"

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace fluxgate;
using test::run_fluxgate;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

// As a user who may do what modes say; root may do everything. None when this machine does not let such a user at the program.
std::optional<test::Finished> run_restricted(const Lines& arguments, const std::string& directory) {
    const std::map<std::string, std::string> environment{{"AKV_ACCESS_TOKEN", test::token}, {"HOME", "/nonexistent"}, {"XDG_STATE_HOME", ""}};
    const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";
    if (geteuid() != 0) return test::run_program(program, arguments, environment, directory);
    Lines all{"--reuid=65534", "--regid=65534", "--clear-groups", program};
    Lines probe = all;
    probe.emplace_back("--version");
    if (test::run_program("/usr/bin/setpriv", probe, environment, directory).code != 0) {
        WARN("no other user may run the program here");
        return std::nullopt;
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    return test::run_program("/usr/bin/setpriv", all, environment, directory);
}

bool says(const test::Finished& f, int code, const std::string& text) {
    UNSCOPED_INFO("exit " << f.code << ", wanted " << code << "\n" << f.out << f.err << "\nwanted: " << text);
    return f.code == code && f.err.find(text) != std::string::npos && (f.out + f.err).find(test::token) == std::string::npos;
}

std::string incremental(std::uint16_t port) {
    return R"json({"displayName": "plant", "type": "input/influxdbv2@v1", "url": "http://127.0.0.1", "organization": "test-org", "interval": "1s",
  "format": {"type": "json"}, "authentication": {"type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN"},
  "read": {"bucket": "plant", "measurements": ["machine"]}, "incremental": {"start": "-2m"}, "port": )json" +
           std::to_string(port) + "}";
}

} // namespace

TEST_CASE("a document that is not there is told with the one that may be meant, or with how to begin") {
    const test::TempDirectory directory;
    directory.write("plant.json", incremental(1));
    for (const Lines& command : {Lines{"run"}, Lines{"check"}, Lines{"plan"}, Lines{"schema"}, Lines{"validate", "--explain"},
                                 Lines{"cursor", "show"}, Lines{"dead-letters", "list"}, Lines{"dead-letters", "replay"}}) {
        const auto run = [&](const std::string& file) {
            Lines all = command;
            all.push_back(file);
            return run_fluxgate(all, directory.path());
        };
        CHECK(says(run("plnt.json"), 2, "fluxgate: cannot read plnt.json: No such file or directory; did you mean plant.json?"));
        CHECK(says(run(directory.path() + "/plant.jsn"), 2, "did you mean " + directory.path() + "/plant.json?"));
        CHECK(says(run("else.json"), 2, "`fluxgate init else.json` would write one to start from"));
        CHECK(says(run("."), 2, "fluxgate: cannot read .: it is a directory; name the document in it"));
    }
}

TEST_CASE("a document that may not be read is told with the user and what that user needs") {
    const test::TempDirectory directory;
    fs::permissions(directory.path(), fs::perms{0755});
    fs::create_directory(directory.path() + "/closed");
    const std::string inside = directory.write("closed/plant.json", incremental(1));
    const std::string secret = directory.write("plant.json", incremental(1));
    fs::permissions(secret, fs::perms{0});
    fs::permissions(directory.path() + "/closed", fs::perms{0});
    for (const std::string& file : {inside, secret})
        for (const Lines& command : {Lines{"run"}, Lines{"validate"}, Lines{"check"}, Lines{"cursor", "show"}}) {
            Lines all = command;
            all.push_back(file);
            const auto f = run_restricted(all, directory.path());
            if (!f) return;
            CHECK(says(*f, 2, "cannot read " + file + ": Permission denied; the user "));
        }
    fs::permissions(directory.path() + "/closed", fs::perms{0700});
}

TEST_CASE("a state that may not be looked at is an error, not a pipeline that has delivered nothing") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    fs::permissions(directory.path(), fs::perms{0755});
    const std::string file = directory.write("plant.json", incremental(server->port())), state = directory.path() + "/state";
    fs::permissions(file, fs::perms{0644});
    const test::Finished fresh = run_fluxgate({"cursor", "show", file, "--state", state});
    CHECK(fresh.code == 0);
    CHECK(fresh.out.find("plant.db (not there yet)\n") != std::string::npos);
    REQUIRE(run_fluxgate({"run", file, "--once", "--state", state}, directory.path()).code == 0);
    CHECK(run_fluxgate({"cursor", "show", file, "--state", state}).out.find("not there yet") == std::string::npos);
    fs::permissions(state, fs::perms{0});
    for (const Lines& command : {Lines{"cursor", "show"}, Lines{"cursor", "export"}, Lines{"run", "--once"}, Lines{"dead-letters", "list"}}) {
        Lines all = command;
        all.insert(all.end(), {file, "--state", state});
        const auto f = run_restricted(all, directory.path());
        if (!f) return;
        CHECK(says(*f, 1, "Permission denied"));
        CHECK(f->err.find(state) != std::string::npos);
        CHECK(f->out.find("position") == std::string::npos);
    }
    const test::Finished planned = *run_restricted({"plan", file, "--state", state}, directory.path()); // it can show all else
    INFO(planned.out);
    CHECK(planned.code == 0);
    CHECK(planned.out.find("the state cannot be read: cannot read the state '" + state + "/plant.db': Permission denied") != std::string::npos);
    CHECK(planned.out.find("there is no cursor") == std::string::npos);
    fs::permissions(state, fs::perms{0700});
}

TEST_CASE("an export and init say what they may not write, and where they would be let") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    fs::permissions(directory.path(), fs::perms{0755});
    const std::string file = directory.write("plant.json", incremental(server->port())), closed = directory.path() + "/closed";
    fs::permissions(file, fs::perms{0644});
    fs::create_directory(closed);
    fs::permissions(closed, fs::perms{0});
    const auto exported = [&](const std::string& out) {
        return run_restricted({"export", file, "--bucket", "plant", "--start", "-1h", "--out", out}, directory.path());
    };
    if (!exported(closed)) return;
    for (const std::string& out : {closed, closed + "/out"}) {
        const test::Finished f = *exported(out);
        CHECK(says(f, 1, "Permission denied; the export needs a directory that it may write to, --out names it"));
        CHECK(f.err.find(out) != std::string::npos);
    }
    CHECK(says(*run_restricted({"init", closed + "/new.json"}, directory.path()), 2,
               "Permission denied; name a file where you may write, or none: then standard output gets it"));
    fs::permissions(closed, fs::perms{0700});
    CHECK(says(run_fluxgate({"export", file, "--bucket", "plant", "--start", "-1h", "--out", file}), 2,
               "'" + file + "' is no directory; give a new or an empty one with --out"));
    CHECK(says(run_fluxgate({"init", directory.path() + "/none/new.json"}), 2,
               "the directory " + directory.path() + "/none must be there, init makes none"));
    CHECK(says(run_fluxgate({"init", closed}), 2, "it is a directory; name a file in it"));
    CHECK(says(run_fluxgate({"init", file}), 2, "init never overwrites"));
}

TEST_CASE("a place for dead letters that cannot be written is told before the first one comes") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    fs::permissions(directory.path(), fs::perms{0755});
    std::string text = test::original_document(server->port());
    const std::string file = directory.write("sample.json", text), closed = directory.path() + "/closed";
    fs::permissions(file, fs::perms{0644});
    fs::create_directory(closed);
    fs::permissions(closed, fs::perms{0555});
    const auto run = [&](const Lines& more) {
        Lines all{"run", file, "--once"};
        all.insert(all.end(), more.begin(), more.end());
        return run_restricted(all, closed);
    };
    const auto beside = run({});
    if (!beside) return;
    CHECK(says(*beside, 0, "dead letters could not be put on record: the directory .: Permission denied"));
    CHECK(says(*run({"--dead-letter", closed + "/letters.jsonl"}), 2,
               "--dead-letter " + closed + "/letters.jsonl: the directory " + closed + ": Permission denied; name a file that may be written"));
    CHECK(says(*run({"--dead-letter", closed + "/none/letters.jsonl"}), 2, "the directory " + closed + "/none: No such file or directory"));
    CHECK(says(*run({"--dead-letter", closed}), 2, "it is a directory; name a file that may be written"));
    CHECK(says(*run({"--dead-letter", "/dev/null"}), 0, ""));
    CHECK(server->queries() == 2);
    fs::permissions(closed, fs::perms{0700});
}

TEST_CASE("dead letters that are not there are told from a wrong place") {
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", incremental(1));
    CHECK(says(run_fluxgate({"dead-letters", "list", file, "--state", directory.path()}), 1,
               "No such file or directory; a run makes it with its first dead letter, beside its state (--state, --id) or where it runs; "
               "--dead-letter PATH names another"));
    CHECK(says(run_fluxgate({"dead-letters", "show", file}), 2, "show takes a document and a number, or --dead-letter PATH and a number"));
    CHECK(says(run_fluxgate({"dead-letters", "list"}), 2, "name a pipeline document, or a file of dead letters with --dead-letter PATH"));
    CHECK(says(run_fluxgate({"dead-letters", "list", "--dead-letter", directory.path() + "/gone"}), 1,
               "/gone: No such file or directory; a run makes it with its first dead letter\n"));
}
