// What a Reader told and what its journal tells are the same.
#include "flux/journal.hpp"
#include "flux/reader.hpp"
#include "support/catch.hpp"
#include "support/same_events.hpp"
#include "support/similar_rows.hpp"

#include <algorithm>
#include <string>

using namespace fluxgate;
using namespace fluxgate::flux;

namespace {

// Reads the body in pieces and compares every event with that of the journal. Gives the journal's size.
std::size_t compare(const std::string& body, std::size_t piece, Limits limits = {}) {
    Reader reader{limits};
    test::JournalComparison journal;
    for (std::size_t at = 0; at < body.size(); at += piece) {
        reader.feed(std::string_view{body}.substr(at, piece));
        for (Event event = reader.next(); event != Event::need_more; event = reader.next()) {
            if (event == Event::failed) return journal.bytes();
            if (const std::string differs = journal.add(event, reader); !differs.empty()) FAIL(differs << " in row " << reader.row().number);
        }
    }
    return journal.bytes();
}

std::string series(int rows) {
    std::string body = "#datatype,string,long,dateTime:RFC3339,double,string,string\r\n#group,false,false,false,false,true,true\r\n"
                       "#default,_result,,,,,\r\n,result,table,_time,_value,_field,host\r\n";
    for (int i = 0; i < rows; ++i)
        body += ",,0,2026-01-01T00:00:" + std::to_string(10 + i % 50) + "Z," + std::to_string(i * 37 % 1000) + ".5,temperature,machine-10001\r\n";
    return body + "\r\n";
}

} // namespace

TEST_CASE("a journal tells tables, rows, fields, flags and places as the reader did") {
    const std::string body = series(100);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{1000}, body.size()})
        compare(body, piece);
}

TEST_CASE("a journal keeps of a row what changed") {
    const std::string body = series(1000);
    CHECK(compare(body, body.size()) < 31 * 1000); // of 58 a row: 26 that changed, and how they are made
}

TEST_CASE("quoted, empty, long and growing fields, line ends of both kinds, and rows without columns come back") {
    const std::string head = "#datatype,string,string,string\r\n#group,true,false,true\r\n#default,,x,\r\n,a,b,c\r\n";
    for (const std::string& body :
         {head + ",1,2,3\n,1,\"2\",3\r\n,1,\"\"\"\",3\n,1,,3\n,1,\"a\r\nb\",3\n,,,\n\"\",,,\n", head + ",1,2,3\n,1,2,3\n,1,2,3\r\n,1,2,3\n\n,1,2,3\n",
          head + ",1,2,3\n,1," + std::string(5000, 'x') + ",3\n,1,y,3\n,1," + std::string(9000, 'z') + ",3\n,1,,3\n",
          std::string{"#datatype\r\n\"\"\r\n\"\"\r\n\"\"\r\n"}}) {
        compare(body, body.size());
        compare(body, 11);
    }
}

TEST_CASE("rows beyond the limit come back as the reader cut them, and the rows behind them whole") {
    Limits limits;
    limits.max_row_bytes = 60;
    std::string body = series(3);
    body.insert(body.size() - 2, ",,0,2026-01-01T00:00:10Z,1,temperature," + std::string(200, 'h') + "\r\n,,0,2026-01-01T00:00:10Z,1,t,h\r\n");
    compare(body, body.size(), limits);
    compare(body, 50, limits);
}

TEST_CASE("whatever the rows are and however they come, the journal tells what the reader told") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    for (unsigned k = 0; k < 120; ++k) {
        test::SimilarRows rows{seed + k};
        std::string body;
        for (std::size_t t = 0, tables = 1 + rows.below(3); t < tables; ++t)
            body += rows.body(120);
        if (rows.below(4) == 0) body[rows.below(body.size())] = "\",\r\n#x"[rows.below(6)]; // damaged somewhere
        Limits limits;
        if (rows.below(3) == 0) limits.max_row_bytes = static_cast<std::uint32_t>(20 + rows.below(100));
        INFO("body " << k);
        compare(body, 1 + rows.below(3000), limits);
        compare(body, body.size(), limits);
    }
}
