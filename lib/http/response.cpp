#include "http/response.hpp"

#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include <iterator>
#include <stdexcept>

namespace fluxgate::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using beast::error_code;

// A Beast Body whose value is only where the bytes go.
struct ForwardBody {
    using value_type = BodyTarget*;

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(bhttp::header<IsRequest, Fields>&, value_type& target) : target_(target) {}

        void init(const boost::optional<std::uint64_t>&, error_code& ec) { ec = {}; }

        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& ec) {
            ec = {};
            std::size_t taken = 0;
            for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers); ++it) {
                const boost::asio::const_buffer piece = *it;
                const std::size_t n = target_->on_wire_body({static_cast<const char*>(piece.data()), piece.size()});
                taken += n;
                if (n < piece.size()) {
                    ec = bhttp::error::need_buffer;
                    break;
                }
            }
            return taken;
        }

        void finish(error_code& ec) { ec = {}; }

    private:
        value_type& target_;
    };
};

using Parser = bhttp::response_parser<ForwardBody>;

// Beast refuses some headers that end shortly before its limit, so it gets a higher one than ours.
constexpr std::uint32_t header_slack = 1024;

std::string in_words(const error_code& ec, std::uint32_t max_header) {
    if (ec == bhttp::error::header_limit) return "its header is larger than the " + std::to_string(max_header) + " bytes that are read of one";
    if (ec == bhttp::error::bad_version) return "it does not begin with HTTP/1.0 or HTTP/1.1";
    if (ec == bhttp::error::bad_status) return "its status is not a number of three digits";
    if (ec == bhttp::error::bad_content_length || ec == bhttp::error::multiple_content_length) return "its Content-Length makes no sense";
    if (ec == bhttp::error::bad_transfer_encoding) return "its Transfer-Encoding makes no sense";
    if (ec == bhttp::error::bad_chunk || ec == bhttp::error::bad_chunk_extension) return "a chunk of its body has no proper size line";
    if (ec == bhttp::error::bad_field || ec == bhttp::error::bad_value || ec == bhttp::error::bad_line_ending || ec == bhttp::error::bad_obs_fold ||
        ec == bhttp::error::bad_reason)
        return "its header is malformed (" + ec.message() + ")";
    return ec.message();
}

} // namespace

struct ResponseParser::Impl {
    std::optional<Parser> parser;
    Limits limits;
    std::size_t header_bytes = 0; // taken so far
    std::string problem;

    Status judge(const error_code& ec) {
        if (!ec) return parser->is_done() ? Status::done : Status::need_more;
        if (ec == bhttp::error::need_more) return Status::need_more;
        if (ec == bhttp::error::need_buffer) return Status::stopped;
        problem = in_words(ec, limits.max_header_bytes);
        return Status::bad;
    }

    Status put_header(std::string_view bytes, std::size_t& used) {
        error_code ec;
        try {
            used = parser->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
        } catch (const std::length_error&) { // Beast's containers hold 65,535 bytes a field and say so in this way
            problem = "a field of its header is longer than 65535 bytes";
            return Status::bad;
        }
        // Beast's own limit depends on how the bytes came.
        header_bytes += used;
        const bool done = !ec && parser->is_header_done();
        if (header_bytes + (done ? 0 : bytes.size() - used) > limits.max_header_bytes) return judge(bhttp::error::header_limit);
        if (!done) return judge(ec);
        if (!few_fields() || !transfer_coding_known()) return Status::bad;
        parser->eager(true);
        return Status::header;
    }

    bool few_fields() {
        const auto count = std::distance(parser->get().begin(), parser->get().end());
        if (count <= static_cast<std::ptrdiff_t>(limits.max_header_fields)) return true;
        problem = "its header has " + std::to_string(count) + " fields; at most " + std::to_string(limits.max_header_fields) + " are read";
        return false;
    }

    // Beast knows the coding `chunked` alone; any other one would reach the reader undecoded.
    bool transfer_coding_known() {
        const auto field = parser->get().find(bhttp::field::transfer_encoding);
        if (field == parser->get().end() || beast::iequals(field->value(), "chunked") || beast::iequals(field->value(), "identity")) return true;
        problem = "its Transfer-Encoding is not chunked but '" + std::string(field->value().substr(0, 64)) + "'";
        return false;
    }
};

ResponseParser::ResponseParser() : impl_(std::make_unique<Impl>()) {}
ResponseParser::~ResponseParser() = default;

void ResponseParser::reset(const Limits& limits, bool body_forbidden, BodyTarget& target) {
    impl_->parser.emplace();
    impl_->parser->header_limit(limits.max_header_bytes + header_slack);
    impl_->header_bytes = 0;
    impl_->parser->body_limit(boost::none);
    impl_->parser->skip(body_forbidden);
    impl_->parser->eager(false); // until the header is complete
    impl_->parser->get().body() = &target;
    impl_->limits = limits;
    impl_->problem.clear();
}

ResponseParser::Status ResponseParser::put(std::string_view bytes, std::size_t& used) {
    Parser& parser = *impl_->parser;
    used = 0;
    if (!parser.is_header_done()) return impl_->put_header(bytes, used);
    if (parser.is_done()) return Status::done;
    if (bytes.empty()) return Status::need_more;
    error_code ec;
    used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    return impl_->judge(ec);
}

ResponseParser::Status ResponseParser::put_eof() {
    if (!started()) return Status::need_more;
    error_code ec;
    impl_->parser->put_eof(ec);
    return !ec && impl_->parser->is_done() ? Status::done : Status::need_more;
}

bool ResponseParser::started() const {
    return impl_->parser->got_some();
}
bool ResponseParser::header_done() const {
    return impl_->parser->is_header_done();
}
int ResponseParser::status() const {
    return static_cast<int>(impl_->parser->get().result_int());
}

Head ResponseParser::head() const {
    Head head;
    head.status = status();
    for (const auto& field : impl_->parser->get().base())
        head.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    return head;
}

bool ResponseParser::chunked() const {
    return impl_->parser->chunked();
}

std::optional<std::uint64_t> ResponseParser::content_length() const {
    const auto length = impl_->parser->content_length();
    return length ? std::optional<std::uint64_t>{*length} : std::nullopt;
}

bool ResponseParser::ends_by_close() const {
    return impl_->parser->need_eof();
}
bool ResponseParser::keep_alive() const {
    return impl_->parser->keep_alive();
}
const std::string& ResponseParser::problem() const {
    return impl_->problem;
}

} // namespace fluxgate::http
