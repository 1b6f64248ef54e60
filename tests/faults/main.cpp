// fault_matrix [--short | --long] [--count N] [--markdown]: injects faults and says for each kind how often, what was expected
// and what happened. FLUXGATE_SEED replays a random run. Exit 1 when anything was not as expected.
#include "matrix.hpp"
#include "support/recording.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <random>

namespace {

using namespace fluxgate;
using namespace fluxgate::faults;
using test::Reply;

struct Options {
    bool everything = false; // every byte instead of random ones
    std::size_t count = 12;  // random positions a kind
    bool markdown = false;
};

class Run {
public:
    Run(Options options, unsigned seed) : options_(options), random_(seed) {}

    void all() {
        const Answer answer = make_answer();
        for (const Delivery delivery : {Delivery::verified, Delivery::streaming}) {
            cuts(delivery, answer, false);
            cuts(delivery, answer, true);
            tails(delivery, answer);
            trouble(delivery, answer);
            refusals(delivery, answer);
        }
    }

    // Prints the table; the number of injections that were not as expected.
    std::size_t report(unsigned seed) const {
        std::uint64_t injected = 0, wrong = 0;
        std::printf(options_.markdown ? "| fault | injected | expected | as expected |\n|---|---:|---|---:|\n" : "%-78s %9s %11s  %s\n", "fault",
                    "injected", "as expected", "expected");
        for (const auto& [name, tally] : tallies_) {
            injected += tally.injected;
            wrong += tally.injected - tally.as_expected;
            if (options_.markdown) {
                std::printf("| %s | %llu | %s | %llu |\n", name.c_str(), static_cast<unsigned long long>(tally.injected), tally.expected.c_str(),
                            static_cast<unsigned long long>(tally.as_expected));
            } else {
                std::printf("%-78s %9llu %11llu  %s\n", name.c_str(), static_cast<unsigned long long>(tally.injected),
                            static_cast<unsigned long long>(tally.as_expected), tally.expected.c_str());
            }
            for (const std::string& failure : tally.failures)
                std::fprintf(stderr, "FAILED %s: %s (FLUXGATE_SEED=%u)\n", name.c_str(), failure.c_str(), seed);
        }
        std::printf("%s%llu faults injected, seed %u\n%llu passed, %llu failed\n", options_.markdown ? "\n" : "",
                    static_cast<unsigned long long>(injected), seed, static_cast<unsigned long long>(injected - wrong),
                    static_cast<unsigned long long>(wrong));
        return wrong;
    }

private:
    static constexpr const char* not_counted = "not counted, retried, then complete";

    void note(const std::string& name, const char* expected, const std::string& detail, const std::string& wrong) {
        Tally& tally = tallies_[name];
        tally.expected = expected;
        ++tally.injected;
        if (wrong.empty()) {
            ++tally.as_expected;
        } else if (tally.failures.size() < 5) {
            tally.failures.push_back(detail + ": " + wrong);
        }
    }

    static std::string name_of(Delivery delivery, const std::string& fault) {
        return (delivery == Delivery::verified ? "verified, " : "streaming, ") + fault;
    }

    // The positions [from, end) to cut at: all of them, or some.
    std::vector<std::size_t> positions(std::size_t from, std::size_t end) {
        std::vector<std::size_t> at;
        if (options_.everything) {
            for (std::size_t i = from; i < end; ++i)
                at.push_back(i);
        } else {
            for (std::size_t i = 0; i < options_.count; ++i)
                at.push_back(from + random_() % (end - from));
        }
        return at;
    }

    void cuts(Delivery delivery, const Answer& answer, bool gzip_coding) {
        Retried source{delivery, gzip_coding};
        const std::string coding = gzip_coding ? "gzip" : "identity";
        const std::string encoded = gzip_coding ? gzip(answer.body) : answer.body;
        const std::string wire = chunked_answer(encoded, gzip_coding ? "gzip" : "");
        for (const auto& [end, end_name] : {std::pair{Reply::End::fin, "FIN"}, std::pair{Reply::End::rst, "RST"}}) {
            const std::string name = name_of(delivery, coding + ", connection cut by " + end_name + " at a byte of the wire");
            for (const std::size_t at : positions(1, wire.size()))
                note(name, not_counted, "cut at " + std::to_string(at), source.inject(Reply{{wire.substr(0, at)}, end}));
        }
        const std::string name = name_of(delivery, coding + ", body cut at a byte, clean last chunk");
        for (const std::size_t at : positions(0, encoded.size())) {
            const Reply faulty{{chunked_answer(encoded.substr(0, at), gzip_coding ? "gzip" : "")}, Reply::End::keep};
            if (!gzip_coding && is_undetectable(answer, at)) continue; // injected below, all of them
            note(name, not_counted, "cut at " + std::to_string(at), source.inject(faulty));
        }
        if (gzip_coding) return;
        for (const auto& [at, rows] : answer.look_complete) {
            note(name_of(delivery, "identity, clean last chunk, cut right behind a blank line that is not the last"),
                 "counts: no reader can tell it from a shorter answer", "cut at " + std::to_string(at),
                 source.inject_undetectable(Reply{{chunked_answer(encoded.substr(0, at), "")}, Reply::End::keep}, rows));
        }
    }

    static bool is_undetectable(const Answer& answer, std::size_t at) {
        for (const auto& [position, rows] : answer.look_complete) {
            if (position == at) return true;
        }
        return false;
    }

    // What a crashing or dying server leaves behind its rows.
    void tails(Delivery delivery, const Answer& answer) {
        const std::string json = R"({"code":"internal error","message":"panic: runtime error"})";
        const std::string compressed = gzip(answer.body);
        Retried plain{delivery, false}, packed{delivery, true};
        const auto tail = [&](Retried& source, const std::string& fault, const std::string& wire) {
            note(name_of(delivery, fault), not_counted, "", source.inject(Reply{{wire}, Reply::End::keep}));
        };
        for (std::size_t i = 0; i < options_.count; ++i) {
            const std::size_t at = random_() % answer.body.size();
            tail(plain, "identity, a JSON error behind a part of the rows", chunked_answer(answer.body.substr(0, at) + json, ""));
        }
        tail(plain, "identity, a JSON error behind the whole answer", chunked_answer(answer.body + json, ""));
        tail(plain, "identity, a line of text behind the whole answer", chunked_answer(answer.body + "fatal error\r\n", ""));
        tail(packed, "gzip, a JSON error behind a finished member", chunked_answer(compressed + json, "gzip"));
        tail(packed, "gzip, one byte behind a finished member", chunked_answer(compressed + "x", "gzip"));
        tail(packed, "gzip, trailer missing", chunked_answer(gzip(answer.body, false), "gzip"));
        for (std::size_t i = 0; i < 8; ++i) {
            std::string damaged = compressed;
            damaged[damaged.size() - 1 - i] = static_cast<char>(damaged[damaged.size() - 1 - i] ^ 0x40);
            tail(packed, "gzip, a byte of the trailer changed", chunked_answer(damaged, "gzip"));
        }
        tail(plain, "an empty body with a clean end", chunked_answer("", ""));
        // Several members are one answer (RFC 1952).
        const std::size_t half = answer.body.size() / 2;
        const std::string members = gzip(answer.body.substr(0, half)) + gzip(answer.body.substr(half));
        note(name_of(delivery, "gzip, several members"), "counts: it is the whole answer", "",
             packed.inject_undetectable(Reply{{chunked_answer(members, "gzip")}, Reply::End::keep}, answer.rows));
    }

    // Overload, proxies, silence: what heals by itself.
    void trouble(Delivery delivery, const Answer& answer) {
        Retried source{delivery, false};
        const auto retried = [&](const std::string& fault, const Reply& faulty) {
            note(name_of(delivery, fault), "retried, then complete", "", source.inject(faulty));
        };
        const auto status = [&](const char* line, const char* headers, const char* body) {
            return Reply{{plain_answer(line, headers, body)}, Reply::End::keep};
        };
        for (std::size_t i = 0; i < std::max<std::size_t>(options_.count / 4, 1); ++i) {
            retried("400 queue length exceeded",
                    status("400 Bad Request", "Content-Type: application/json\r\n", R"({"code":"invalid","message":"queue length exceeded"})"));
            retried("429 with Retry-After: 0",
                    status("429 Too Many Requests", "Retry-After: 0\r\n", R"({"code":"too many requests","message":"slow down"})"));
            retried("500 internal error", status("500 Internal Server Error", "", R"({"code":"internal error","message":"shutting down"})"));
            retried("502 with HTML from a proxy", status("502 Bad Gateway", "Content-Type: text/html\r\n", "<html><body>Bad Gateway</body></html>"));
            retried("503 without a body", status("503 Service Unavailable", "", ""));
            retried("504 with text", status("504 Gateway Timeout", "Content-Type: text/plain\r\n", "upstream timed out"));
            retried("not HTTP at all", Reply{{"SSH-2.0-OpenSSH_9.2\r\n"}, Reply::End::fin});
            retried("an answer without last chunk or length, ended by close", Reply{{"HTTP/1.1 200 OK\r\n\r\n" + answer.body}, Reply::End::fin});
            retried("HTTP/1.0 without length, ended by close", Reply{{"HTTP/1.0 200 OK\r\n\r\n" + answer.body}, Reply::End::fin});
            retried("a row with a field too many",
                    Reply{{chunked_answer(answer.body.substr(0, answer.body.size() / 2) + ",\r\n\r\n", "")}, Reply::End::keep});
        }
    }

    // What a person has to mend: told at once, nothing is final.
    void refusals(Delivery delivery, const Answer& answer) {
        const std::string error_table = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,the query broke,\r\n";
        const std::string first = answer.body.substr(0, answer.look_complete[2].first); // the first result, whole
        const auto refused = [&](const std::string& fault, const std::string& wire, Errc code, int status_code) {
            note(name_of(delivery, fault), "needs a person; the server's words are told", "",
                 inject_refusal(delivery, Reply{{wire}, Reply::End::keep}, code, status_code));
        };
        refused("an error table alone", chunked_answer(error_table, ""), Errc::query, 0);
        refused("an error table behind rows", chunked_answer(answer.body.substr(0, answer.look_complete[0].first) + error_table, ""), Errc::query, 0);
        refused("an error table in a second yield", chunked_answer(first + error_table, ""), Errc::query, 0);
        for (const std::string name :
             {"error-schema-collision", "error-schema-collision-gzip", "error-runtime-second-yield", "prefer-no-content-error"}) {
            refused("recorded: " + name, test::load_recording("influxd-2.7", name).wire, Errc::query, 0);
        }
        for (const std::string name : {"error-token", "error-no-token", "error-org", "error-bucket", "error-compile", "error-type", "error-undefined",
                                       "error-path", "error-method", "error-runtime-at-start", "error-no-range", "dialect-bad"}) {
            const test::Recording r = test::load_recording("influxd-2.7", name);
            refused("recorded: " + name, r.wire, Errc::http_status, r.status);
        }
        refused("a redirect", plain_answer("302 Found", "Location: https://elsewhere.example/\r\n", ""), Errc::http_status, 302);
    }

    Options options_;
    std::mt19937 random_;
    std::map<std::string, Tally> tallies_;
};

} // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--long") {
            options.everything = true;
        } else if (name == "--markdown") {
            options.markdown = true;
        } else if (name == "--count" && i + 1 < argc) {
            options.count = std::strtoul(argv[++i], nullptr, 10);
        } else if (name != "--short") {
            std::cerr << "usage: fault_matrix [--short | --long] [--count N] [--markdown]\n";
            return 2;
        }
    }
    const char* fixed = std::getenv("FLUXGATE_SEED");
    const auto seed = fixed != nullptr ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
    try {
        Run run{options, seed};
        run.all();
        return run.report(seed) == 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "fault_matrix: " << error.what() << " (FLUXGATE_SEED=" << seed << ")\n";
        return 1;
    }
}
