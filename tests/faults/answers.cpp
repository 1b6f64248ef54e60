#include "answers.hpp"

#include <cstdio>
#include <stdexcept>
#include <zlib.h>

namespace fluxgate::faults {

namespace {

std::string table_head(const std::string& result, const std::string& type) {
    return "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339," + type +
           ",string,string\r\n#group,false,false,true,true,false,false,true,true\r\n#default," + result +
           ",,,,,,,\r\n,result,table,_start,_stop,_time,_value,_field,host\r\n";
}

std::string value(const std::string& type, int i) {
    if (type == "double") return std::to_string(i) + ".25";
    if (type == "long") return std::to_string(i * 1000003);
    if (i % 5 == 0) return "\"a \"\"quoted\"\" word\r\n\r\nand a blank line, inside\"";
    if (i % 7 == 0) return "";
    return "text " + std::to_string(i);
}

} // namespace

Answer make_answer() {
    Answer a;
    int table = 0;
    for (const std::string result : {"first", "second"}) {
        for (const std::string type : {"double", "string", "long"}) {
            if (!a.body.empty() && type != "double") {
                a.body += "\r\n";
                a.look_complete.emplace_back(a.body.size(), a.rows);
            }
            a.body += table_head(result, type);
            for (int i = 0; i < 26; ++i) {
                char row[96];
                std::snprintf(row, sizeof row, ",,%d,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,2026-01-01T00:%02d:00Z,", table, i);
                a.body += row + value(type, i) + ",field,host-" + std::to_string(table) + "\r\n";
                ++a.rows;
            }
            ++table;
        }
        a.body += "\r\n";
        a.look_complete.emplace_back(a.body.size(), a.rows);
    }
    a.look_complete.pop_back(); // the last blank line ends the whole answer
    return a;
}

std::string gzip(std::string_view body, bool with_trailer) {
    z_stream stream{};
    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflateInit2");
    std::string out(body.size() + 1024, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int code = deflate(&stream, Z_FINISH);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    if (code != Z_STREAM_END) throw std::runtime_error("deflate");
    if (!with_trailer) out.resize(out.size() - 8);
    return out;
}

std::string chunked_answer(std::string_view body, std::string_view encoding) {
    std::string wire = "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\n";
    if (!encoding.empty()) wire += "Content-Encoding: " + std::string{encoding} + "\r\n";
    wire += "Transfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < body.size(); at += 4096) {
        const std::string_view piece = body.substr(at, 4096);
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        wire += size;
        wire += piece;
        wire += "\r\n";
    }
    return wire + "0\r\n\r\n";
}

std::string plain_answer(std::string_view status, std::string_view headers, std::string_view body) {
    return "HTTP/1.1 " + std::string{status} + "\r\n" + std::string{headers} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

} // namespace fluxgate::faults
