#include "matrix.hpp"

#include <algorithm>

namespace fluxgate::faults {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

std::string document(std::uint16_t port, Delivery delivery, bool gzip) {
    std::string more = R"(,"retry":{"type":"fixed","initial":"1us"},"timeouts":{"connect":"2s","firstByte":"2s","idle":"2s"})";
    more += delivery == Delivery::verified ? R"(,"delivery":"verified")" : "";
    more += gzip ? R"(,"compression":"gzip")" : "";
    std::string text = test::influx_document(port, more);
    text.replace(text.find("\"10ms\""), 6, "\"1h\""); // the test's clock decides when an interval has passed
    return text;
}

} // namespace

Retried::Retried(Delivery delivery, bool gzip_coding) : delivery_(delivery) {
    const Answer answer = make_answer();
    good_reply_ = test::Reply{{chunked_answer(gzip_coding ? gzip(answer.body) : answer.body, gzip_coding ? "gzip" : "")}, test::Reply::End::keep};
    server_ = std::make_unique<test::RawServer>([this](const std::string&, int) {
        const std::lock_guard lock{mutex_};
        ++served_;
        return std::exchange(inject_next_, false) ? faulty_ : good_reply_;
    });
    host_.set_secret("INFLUX_TOKEN", "token");
    source_ = std::make_unique<test::SourceDriver>(host_, document(server_->port(), delivery, gzip_coding), false);
    if (!tick(1)) throw std::runtime_error("the good answer was not read");
    for (const test::Delivered& m : source_->messages())
        good_.push_back(m.payload);
    if (good_.size() != answer.rows) throw std::runtime_error("the good answer gave " + std::to_string(good_.size()) + " messages");
}

Retried::~Retried() {
    source_.reset();
    server_.reset();
}

// One tick of the interval: until `count` more queries have ended, and all that came of them is out. A retry follows its
// failure at once; the tick after that waits for the clock.
bool Retried::tick(std::uint64_t count) {
    const double target = host_.metric("queries") + static_cast<double>(count);
    host_.advance(std::chrono::hours{2});
    const auto end = steady_clock::now() + seconds{20};
    test::SourceDriver::Got got = test::SourceDriver::Got::nothing;
    while (host_.metric("queries") < target || got == test::SourceDriver::Got::batch) {
        if (steady_clock::now() > end) return false;
        got = source_->next(std::chrono::milliseconds{host_.metric("queries") < target ? 20 : 0});
        if (got == test::SourceDriver::Got::error) return false;
    }
    while (source_->next(std::chrono::nanoseconds{0}) == test::SourceDriver::Got::batch) {
    }
    return true;
}

std::string Retried::compare(bool faulty_counts, std::size_t faulty_rows) {
    std::vector<std::string> got;
    for (const test::Delivered& m : source_->messages())
        got.push_back(m.payload);
    source_->clear();
    const auto is_prefix = [&](std::size_t from, std::size_t count) {
        return count <= good_.size() &&
               std::equal(got.begin() + static_cast<std::ptrdiff_t>(from), got.begin() + static_cast<std::ptrdiff_t>(from + count), good_.begin());
    };
    if (got.size() < good_.size()) return std::to_string(good_.size() - got.size()) + " messages are missing";
    const std::size_t before = got.size() - good_.size();
    if (!is_prefix(before, good_.size())) return "the messages of the good answer are not the last ones";
    if (!is_prefix(0, before)) return "what came out before the good answer is no prefix of it";
    if (faulty_counts && before != faulty_rows)
        return "the faulty answer gave " + std::to_string(before) + " messages instead of " + std::to_string(faulty_rows);
    if (!faulty_counts && delivery_ == Delivery::verified && before != 0)
        return std::to_string(before) + " messages of an incomplete answer came out";
    return {};
}

std::string Retried::inject(const test::Reply& faulty) {
    source_->clear();
    host_.clear_log(); // a hundred thousand faults would drown in copies of it
    {
        const std::lock_guard lock{mutex_};
        faulty_ = faulty;
        inject_next_ = true;
    }
    const std::uint64_t served_before = served_;
    if (!tick(2)) return "the source did not recover: " + host_.health().text;
    if (served_ != served_before + 2) return std::to_string(served_ - served_before) + " requests were sent instead of 2";
    if (std::string wrong = compare(false, 0); !wrong.empty()) return wrong;
    const auto log = host_.log();
    const bool told = std::any_of(log.begin(), log.end(), [](const std::string& line) { return line.find("query.recovered") != std::string::npos; });
    return told ? std::string{} : "the failure was not told";
}

std::string Retried::inject_undetectable(const test::Reply& faulty, std::size_t rows) {
    source_->clear();
    {
        const std::lock_guard lock{mutex_};
        faulty_ = faulty;
        inject_next_ = true;
    }
    if (!tick(1) || !tick(1)) return "the source did not go on";
    return compare(true, rows);
}

std::string inject_refusal(Delivery delivery, const test::Reply& faulty, Errc code, int status) {
    test::RawServer server{faulty};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "token");
    test::SourceDriver source{host, document(server.port(), delivery, false), true};
    if (source.run(seconds{20}) != test::SourceDriver::Got::error) return "the source did not fail";
    if (source.error().code != code) return "the error is \"" + source.error().text() + "\"";
    if (source.error().http_status != status) return "the status is " + std::to_string(source.error().http_status);
    if (delivery == Delivery::verified && !source.messages().empty()) return std::to_string(source.messages().size()) + " messages came out";
    return {};
}

} // namespace fluxgate::faults
