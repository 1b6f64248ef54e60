#include "scenarios.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>
#include <vector>

namespace fluxgate::bench {

namespace asio = boost::asio;
namespace http = boost::beast::http;

std::uint64_t read_with_beast(const Target& target, const std::function<void(std::string_view)>& sink, Reads reads) {
    asio::io_context context;
    asio::ip::tcp::socket socket{context};
    socket.connect({asio::ip::address_v4::loopback(), target.port});
    http::request<http::string_body> request{http::verb::post, "/api/v2/query?org=test-org", 11};
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::authorization, "Token " + target.token);
    request.set(http::field::content_type, "application/json");
    request.set(http::field::accept, "application/csv");
    if (target.gzip) request.set(http::field::accept_encoding, "gzip");
    request.body() = std::string{} +
                     R"json({"query":"from(bucket:\"plant\") |> range(start: -1h)","type":"flux",)json"
                     R"json("dialect":{"annotations":["datatype","group","default"],"header":true,"delimiter":","})json" +
                     (target.now.empty() ? std::string{} : R"(,"now":")" + target.now + '"') + '}';
    request.prepare_payload();
    boost::beast::flat_buffer buffer;
    if (reads == Reads::large) buffer.reserve(256u << 10);
    std::uint64_t bytes = 0;
    std::vector<char> piece(256u << 10);
    for (std::uint32_t query = 0; query < target.queries; ++query) {
        http::write(socket, request);
        http::response_parser<http::buffer_body> parser;
        parser.body_limit(boost::none);
        http::read_header(socket, buffer, parser);
        if (parser.get().result() != http::status::ok) throw std::runtime_error("the server refused the benchmark's query");
        while (!parser.is_done()) {
            parser.get().body().data = piece.data();
            parser.get().body().size = piece.size();
            boost::system::error_code error;
            http::read(socket, buffer, parser, error);
            if (error && error != http::error::need_buffer) throw boost::system::system_error(error);
            const std::size_t got = piece.size() - parser.get().body().size;
            bytes += got;
            sink({piece.data(), got});
        }
    }
    return bytes;
}

} // namespace fluxgate::bench
