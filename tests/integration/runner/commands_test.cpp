#include "runner.hpp"
#include "support/catch.hpp"

using namespace fluxgate;
using test::run_fluxgate;

TEST_CASE("help and version answer on standard output with exit code 0") {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"--help"},
                                                                                           {"run", "--help"},
                                                                                           {"validate", "--help"},
                                                                                           {"stages", "--help"},
                                                                                           {"cursor", "--help"},
                                                                                           {"cursor", "set", "--help"},
                                                                                           {"dead-letters", "--help"},
                                                                                           {"dead-letters", "replay", "--help"},
                                                                                           {"--version"}}) {
        const test::Finished f = run_fluxgate(arguments);
        CHECK(f.code == 0);
        CHECK_FALSE(f.out.empty());
        CHECK(f.err.empty());
    }
    CHECK(run_fluxgate({"--version"}).out == "fluxgate 1.0.0\n");
}

TEST_CASE("a mistyped command or option is a usage error with exit code 2 and nothing on standard output") {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{},
                                                                                           {"rnu", "x.json"},
                                                                                           {"run"},
                                                                                           {"run", "x.json", "--onec"},
                                                                                           {"run", "x.json", "--for", "soon"},
                                                                                           {"run", "x.json", "--id", "a/b"},
                                                                                           {"run", "x.json", "--log-level", "loud"},
                                                                                           {"run", "not-there.json"},
                                                                                           {"validate", "/"}}) {
        const test::Finished f = run_fluxgate(arguments);
        CHECK(f.code == 2);
        CHECK(f.out.empty());
        CHECK_FALSE(f.err.empty());
    }
}

TEST_CASE("stages lists every type with its kind, version and library") {
    const test::Finished f = run_fluxgate({"stages"});
    CHECK(f.code == 0);
    for (const std::string text : {"input/influxdbv2@v1  source", "output/file@v1       output", "output/stdout@v1     output",
                                   "fluxgate_stage_core.so", "fluxgate_stage_influxdb.so"}) {
        INFO(f.out);
        CHECK(f.out.find(text) != std::string::npos);
    }
}

TEST_CASE("validate names every violation with its pointer, and says when there is none") {
    const test::TempDirectory directory;
    const std::string good = directory.write("good.json", test::original_document(1234));
    const test::Finished valid = run_fluxgate({"validate", good});
    CHECK(valid.code == 0);
    CHECK(valid.out == good + ": valid\n");
    CHECK(valid.err.find("warning at /query/expression") != std::string::npos);

    std::string text = test::original_document(1234);
    text.replace(text.find("\"interval\""), 10, "\"intervall\"");
    text.replace(text.find("\"expression\": \"0\""), 17, "\"expression\": \".a |\"");
    text.replace(text.find("1234"), 4, "70000");
    const std::string bad = directory.write("bad.json", text);
    const test::Finished invalid = run_fluxgate({"validate", bad});
    CHECK(invalid.code == 2);
    CHECK(invalid.out.empty());
    INFO(invalid.err);
    CHECK(invalid.err.find("/intervall") != std::string::npos);
    CHECK(invalid.err.find("did you mean \"interval\"") != std::string::npos);
    CHECK(invalid.err.find("error at /interval:") != std::string::npos);
    CHECK(invalid.err.find("error at /port:") != std::string::npos);
    const test::Finished run = run_fluxgate({"run", bad});
    CHECK(run.code == 2);
    CHECK(run.err.find("/intervall") != std::string::npos);
}

TEST_CASE("a bad jq expression is a configuration error with jq's own words") {
    const test::TempDirectory directory;
    std::string text = test::original_document(1234);
    text.replace(text.find("\"expression\": \"0\""), 17, "\"expression\": \".a |\"");
    const test::Finished f = run_fluxgate({"validate", directory.write("bad.json", text)});
    CHECK(f.code == 2);
    INFO(f.err);
    CHECK(f.err.find("error at /partitionStrategy/expression: ") != std::string::npos);
    CHECK(f.err.find("syntax error") != std::string::npos);
}

TEST_CASE("a query that cannot be read in windows, and a stage type that is not there, are refused in so many words") {
    const test::TempDirectory directory;
    std::string text = test::original_document(1234);
    text.insert(1, R"("incremental":{"start":"-1h"},)");
    const test::Finished f = run_fluxgate({"validate", directory.write("windows.json", text)});
    CHECK(f.code == 2);
    CHECK(f.err.find("error at /query/expression: ") != std::string::npos);
    CHECK(f.err.find("it does not use v.timeRangeStart") != std::string::npos);
    const test::Finished unknown =
        run_fluxgate({"validate", directory.write("unknown.json",
                                                  R"({"input":{"type":"input/mqtt@v1","next":["o"]},"stages":{"o":{"type":"output/stdout@v1"}}})")});
    CHECK(unknown.code == 2);
    CHECK(unknown.err.find("input/influxdbv2@v1") != std::string::npos);
}
