// Injects one fault after the other: the faulty answer, then the good one. Counts what was expected and what happened.
#pragma once

#include "answers.hpp"
#include "support/raw_server.hpp"
#include "support/source_driver.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fluxgate::faults {

enum class Delivery { verified, streaming };

// A row of the table in tests/faults/README.md.
struct Tally {
    std::string expected;
    std::uint64_t injected = 0, as_expected = 0;
    std::vector<std::string> failures; // the first few, with what to replay
};

// Faults that the source retries by itself: one source lives through all of them, so that state left behind by one fault
// would show in the next. Each injection is a faulty answer followed by a good one.
class Retried {
public:
    Retried(Delivery delivery, bool gzip);
    ~Retried();

    // `faulty` is what the server says first. The answer must not count: with verified delivery exactly the good answer's
    // messages come out, with streaming a prefix of them and then all of them. "" or what went wrong.
    std::string inject(const test::Reply& faulty);

    // The one fault that no reader can see: the answer counts, with its `rows` first rows. "" or what went wrong.
    std::string inject_undetectable(const test::Reply& faulty, std::size_t rows);

    [[nodiscard]] std::size_t rows() const noexcept { return good_.size(); }

private:
    bool tick(std::uint64_t count);
    std::string compare(bool faulty_counts, std::size_t faulty_rows);

    Delivery delivery_;
    test::Reply good_reply_, faulty_;
    std::uint64_t served_ = 0;
    bool inject_next_ = false;
    std::mutex mutex_;
    test::RecordingHost host_;
    std::unique_ptr<test::RawServer> server_;
    std::unique_ptr<test::SourceDriver> source_;
    std::vector<std::string> good_; // payloads of the good answer
};

// Faults after which the source waits for a person: each gets a source of its own, with --once. The error's code and HTTP
// status must be these, and with verified delivery no message may come out. "" or what went wrong.
std::string inject_refusal(Delivery delivery, const test::Reply& faulty, Errc code, int status);

} // namespace fluxgate::faults
