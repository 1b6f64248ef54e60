// An HTTP answer of any bytes through the parser and the body path, without sockets: how it was cut into pieces changes neither
// verdict nor head nor body, and an answer that is right is read to its end.
// Input: mode, size of pieces, seed, bytes. By mode the bytes are a whole answer, the part behind a chunked head, or a body that
// is framed here.
#include "http/response.hpp"
#include "http/body_path.hpp"
#include "input.hpp"
#include "targets.hpp"

#include <cstdio>

namespace fluxgate::fuzz::response {

namespace {

using http::BodyPath;
using http::ResponseParser;
using Status = ResponseParser::Status;

http::Limits small_limits() {
    http::Limits limits;
    limits.max_header_bytes = 2048;
    limits.max_error_body = 512;
    return limits;
}

constexpr std::size_t most_text = 4u << 20;

struct Sink : http::BodySink {
    std::string text;
    void on_body(std::string_view bytes) override { text += bytes; }
};

struct Answer {
    enum class End { open, no_head, refused_head, damaged, bad, done, cut, left } end = End::open;
    http::Head head;
    std::string text, error_body, coding_problem;
};

// What the client does with bytes from a socket, one answer long.
class Exchange {
public:
    Exchange() {
        path_.reset(sink_, small_limits());
        parser_.reset(small_limits(), false, path_);
    }

    // False when nothing more is wanted.
    bool received(std::string_view piece) {
        buffer_ += piece;
        while (answer_.end == Answer::End::open && step()) {
        }
        return answer_.end == Answer::End::open;
    }

    Answer ended() {
        if (answer_.end == Answer::End::open) {
            const bool done = parser_.put_eof() == Status::done;
            answer_.end = !begun_ ? Answer::End::no_head : done ? Answer::End::done : Answer::End::cut;
        }
        answer_.text = sink_.text;
        if (begun_) {
            answer_.error_body = path_.error_body();
            answer_.coding_problem = path_.coding_problem();
        }
        return answer_;
    }

private:
    // False when more bytes are needed.
    bool step() {
        std::size_t used = 0;
        if (begun_) path_.begin_turn();
        const Status status = parser_.put(buffer_, used);
        demand(used <= buffer_.size(), "no more is taken than was given");
        buffer_.erase(0, used);
        if (status == Status::bad) demand(!parser_.problem().empty(), "a bad answer has a reason");
        if (!begun_) {
            // Before the head ends, how much came at once decides whether its fault is seen or waited on: neither is an answer.
            if (status == Status::bad) answer_.end = Answer::End::no_head;
            return status == Status::header && begin();
        }
        // What is wrong with the body counts before the framing, as in the client: it came first.
        if (sink_.text.size() > most_text || path_.full() || path_.mismatch() || path_.trailing_bound() || path_.bomb()) {
            answer_.end = Answer::End::left;
        } else if (path_.damaged()) {
            answer_.end = Answer::End::damaged;
        } else if (status == Status::bad) {
            answer_.end = Answer::End::bad;
        } else if (status == Status::done && !path_.pending()) {
            answer_.end = Answer::End::done;
        }
        return answer_.end == Answer::End::open && (path_.pending() || used > 0);
    }

    bool begin() {
        begun_ = true;
        answer_.head = parser_.head();
        demand_equal(parser_.status(), answer_.head.status, "the status is told once");
        if (path_.begin(answer_.head)) return true;
        answer_.end = Answer::End::refused_head;
        return false;
    }

    Sink sink_;
    BodyPath path_;
    ResponseParser parser_;
    std::string buffer_;
    bool begun_ = false;
    Answer answer_;
};

Answer answer_in(std::string_view wire, Cut cut) {
    Exchange exchange;
    in_pieces(wire, cut, [&](std::string_view piece) { return exchange.received(piece); });
    return exchange.ended();
}

std::string chunked(std::string_view body, std::size_t size) {
    std::string out;
    while (!body.empty()) {
        const std::string_view piece = body.substr(0, size);
        char line[32];
        std::snprintf(line, sizeof line, "%zx\r\n", piece.size());
        out += std::string{line} + std::string{piece} + "\r\n";
        body.remove_prefix(piece.size());
    }
    return out + "0\r\n\r\n";
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t mode = input.byte(), pieces = input.byte();
    const Cut cut = Cut::chosen_by(pieces, input.byte());
    std::string wire{input.rest()};
    if ((mode & 3) != 0) {
        const std::string head = std::string{"HTTP/1.1 "} + ((mode & 4) != 0 ? "400 Bad Request" : "200 OK") + "\r\nTransfer-Encoding: chunked\r\n" +
                                 ((mode & 8) != 0 ? "Content-Encoding: gzip\r\n" : "") + "\r\n";
        wire = head + ((mode & 2) != 0 ? chunked(wire, 1 + mode / 16u) : wire);
    }
    const Answer whole = answer_in(wire, Cut{});
    for (const Cut& each : {cut, Cut{1, 0}}) {
        const Answer found = answer_in(wire, each);
        demand(found.head.status == whole.head.status && found.head.headers == whole.head.headers, "the head");
        // How much text comes of damaged gzip data before the damage is noticed is inflate's affair, so which is met first, too: the
        // damage or the bound of an error's text.
        const bool bounded_text = whole.head.status / 100 != 2; // only an error's is kept, and has that bound
        if (bounded_text && ((found.end == Answer::End::damaged && whole.end == Answer::End::left) ||
                             (found.end == Answer::End::left && whole.end == Answer::End::damaged)))
            continue;
        demand_equal(static_cast<int>(found.end), static_cast<int>(whole.end), "how the answer ended");
        if (whole.end != Answer::End::left && whole.end != Answer::End::damaged) demand_equal(found.text, whole.text, "the body");
        if (whole.end != Answer::End::damaged) demand_equal(found.error_body, whole.error_body, "the error's text");
        if (whole.end == Answer::End::done) demand_equal(found.coding_problem, whole.coding_problem, "what is wrong with the coding");
    }
    if ((mode & 14) == 2) {
        demand(whole.end == Answer::End::done && whole.coding_problem.empty(), "a right answer is complete");
        demand_equal(whole.text, input.rest(), "the body of a right answer");
    }
    return 0;
}

} // namespace fluxgate::fuzz::response
