// Reader and renderer against the recorded answers of real servers: the same messages for every cut of the bytes.
#include "flux/reader.hpp"
#include "message/renderer.hpp"
#include "support/catch.hpp"
#include "support/recording.hpp"

#include <string>
#include <vector>

using namespace fluxgate;

namespace {

struct Outcome {
    std::vector<std::string> messages;
    std::string error, finish;
};

class Pipe {
public:
    void feed(std::string_view bytes) {
        reader_.feed(bytes);
        for (flux::Event e = reader_.next(); e != flux::Event::need_more; e = reader_.next()) {
            if (e == flux::Event::table) renderer_.set_table(reader_.table());
            if (e == flux::Event::row) take();
            if (e == flux::Event::failed) {
                out.error = reader_.failure().server_text;
                return;
            }
        }
    }
    Outcome finish() {
        out.finish = reader_.finish();
        return std::move(out);
    }

private:
    void take() {
        message::Buffer text;
        message::PayloadSpan span;
        message::RowFault fault;
        message::append_head(text, "T", 0, nullptr);
        if (!renderer_.append_tail(reader_.row(), text, span, fault)) FAIL(fault.text);
        out.messages.push_back(test::comparable(text.view()));
    }
    flux::Reader reader_;
    message::Renderer renderer_{{}};
    Outcome out;
};

Outcome read_cut(const std::string& body, std::size_t cut) {
    Pipe pipe;
    const std::string first = body.substr(0, cut), second = body.substr(cut);
    pipe.feed(first);
    pipe.feed(second);
    return pipe.finish();
}

} // namespace

TEST_CASE("every readable recording of 2.7 gives exactly its expected messages") {
    const auto names = test::readable_recordings("influxd-2.7");
    CHECK(names.size() >= 30);
    for (const std::string& name : names) {
        INFO(name);
        const test::Recording r = test::load_recording("influxd-2.7", name);
        REQUIRE(r.has_expected);
        const Outcome got = read_cut(r.body, r.body.size());
        REQUIRE(got.messages == r.expected);
        CHECK(got.error == r.error);
        const bool no_rows_asked = name == "prefer-no-content";
        CHECK(got.finish.empty() == (r.error.empty() && !no_rows_asked));
    }
}

TEST_CASE("small recordings give the same messages for every cut into two and for single bytes") {
    for (const std::string& name : test::readable_recordings("influxd-2.7")) {
        const test::Recording r = test::load_recording("influxd-2.7", name);
        if (r.body.size() > 3000) continue;
        INFO(name);
        for (std::size_t cut = 0; cut <= r.body.size(); ++cut) {
            const Outcome got = read_cut(r.body, cut);
            INFO("cut at " << cut);
            REQUIRE(got.messages == r.expected);
            REQUIRE(got.error == r.error);
        }
        Pipe pipe;
        for (const char c : r.body) {
            const std::string one(1, c);
            pipe.feed(one);
        }
        REQUIRE(pipe.finish().messages == r.expected);
    }
}
