#include "flux/reader.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate::flux;
using fluxgate::Errc;

namespace {

const std::string head = "#datatype,string,long,string,double\r\n"
                         "#group,false,false,true,false\r\n"
                         "#default,_result,,,\r\n"
                         ",result,table,host,_value\r\n";

struct Seen {
    std::vector<std::string> rows; // fields joined with '|'
    std::vector<std::string> columns;
    std::size_t tables = 0, long_rows = 0;
    bool failed = false;
    Failure failure;
    std::string finish;
    std::uint64_t bytes = 0;
};

Seen read(const std::string& body, std::size_t piece = 0, Limits limits = {}) {
    Reader reader{limits};
    Seen seen;
    if (piece == 0) piece = body.size() + 1;
    for (std::size_t at = 0; at < body.size() && !seen.failed; at += piece) {
        const std::string copy = body.substr(at, piece); // a fresh place in memory: views into an old piece would show
        reader.feed(copy);
        for (Event e = reader.next(); e != Event::need_more; e = reader.next()) {
            if (e == Event::table) {
                ++seen.tables;
                seen.columns.clear();
                for (const Column& c : reader.table().columns)
                    seen.columns.push_back(c.name);
            } else if (e == Event::row) {
                std::string joined;
                for (const Field& f : reader.row().fields)
                    joined += decode(f) + "|";
                seen.rows.push_back(joined);
            } else if (e == Event::long_row) {
                ++seen.long_rows;
                seen.rows.push_back("long:" + std::to_string(reader.long_row_bytes()) + ":" + std::string{reader.row().raw});
            } else {
                seen.failed = true;
                seen.failure = reader.failure();
                break;
            }
        }
    }
    seen.finish = reader.finish();
    seen.bytes = reader.bytes();
    return seen;
}

} // namespace

TEST_CASE("a table's rows are read with CRLF and with LF line ends") {
    for (const bool crlf : {true, false}) {
        std::string body = head + ",,0,a,1.5\r\n,,0,b,2\r\n\r\n";
        if (!crlf) {
            std::string lf;
            for (const char c : body) {
                if (c != '\r') lf += c;
            }
            body = lf;
        }
        const Seen seen = read(body);
        CHECK(seen.rows == std::vector<std::string>{"|0|a|1.5|", "|0|b|2|"});
        CHECK(seen.columns == std::vector<std::string>{"result", "table", "host", "_value"});
        CHECK(seen.finish.empty());
        CHECK(seen.bytes == body.size());
    }
}

TEST_CASE("rows are the same for every size of the pieces") {
    const std::string body = head + ",,0,\"a \"\"x\"\"\r\nb\",1.5\r\n,,0,b,2\r\n\r\n" +
                             "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,_result,,7\r\n" +
                             ",result,table,n\r\n,,1,\r\n\r\n\r\n";
    const Seen whole = read(body);
    REQUIRE(whole.rows.size() == 3);
    CHECK(whole.tables == 2);
    CHECK(whole.rows[0] == "|0|a \"x\"\nb|1.5|");
    for (std::size_t piece = 1; piece < body.size(); ++piece) {
        const Seen cut = read(body, piece);
        REQUIRE(cut.rows == whole.rows);
        REQUIRE(cut.finish == whole.finish);
    }
}

TEST_CASE("annotations come in any order, and #default and types reach the columns") {
    Reader reader;
    const std::string body = "#default,_result,,x\r\n#datatype,string,long,dateTime:RFC3339Nano\r\n#group,false,false,true\r\n,result,table,t\r\n";
    reader.feed(body);
    REQUIRE(reader.next() == Event::table);
    const Table& table = reader.table();
    REQUIRE(table.columns.size() == 3);
    CHECK(table.columns[2].type == Type::time_rfc3339);
    CHECK(table.columns[2].group);
    CHECK(table.columns[2].default_value == "x");
    CHECK(table.result_column == 0);
    CHECK(table.table_column == 1);
}

TEST_CASE("a user's column called result or table keeps its place behind the encoder's") {
    Reader reader;
    const std::string body =
        "#datatype,string,long,string,long\r\n#group,false,false,false,false\r\n#default,_result,,,\r\n,result,table,result,table\r\n";
    reader.feed(body);
    REQUIRE(reader.next() == Event::table);
    CHECK(reader.table().result_column == 0);
    CHECK(reader.table().table_column == 1);
    CHECK(reader.table().columns.size() == 4);
}

TEST_CASE("an answer counts as complete only behind the blank line that closes a result") {
    CHECK(read("").finish == "the body is empty; an answer without tables is one line end");
    CHECK(read("\r\n").finish.empty());
    CHECK(read(head + ",,0,a,1\r\n\r\n").finish.empty());
    CHECK(read(head + ",,0,a,1\r\n").finish.find("does not end with the blank line") != std::string::npos);
    CHECK(read(head + ",,0,a,1").finish.find("in the middle of a row") != std::string::npos);
    CHECK(read(head + ",,0,\"a\r\n\r\n").finish.find("inside a quoted field") != std::string::npos);
    CHECK(read(head).finish.find("does not end with the blank line") != std::string::npos);
    CHECK(read(head + ",,0,a,1\r\n\r").finish.find("in the middle of a row") != std::string::npos);
}

TEST_CASE("an error table ends the response with the server's words, also behind good rows") {
    const std::string error = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,\"it \"\"broke\"\"\",\r\n";
    for (const std::string& before : {std::string{}, head + ",,0,a,1\r\n\r\n"}) {
        const Seen seen = read(before + error);
        REQUIRE(seen.failed);
        CHECK(seen.failure.code == Errc::query);
        CHECK(seen.failure.server_text == "it \"broke\"");
        CHECK(!seen.finish.empty());
    }
}

TEST_CASE("what is not annotated CSV is corrupt, with row, column and byte") {
    struct Case {
        std::string body, message;
    };
    const std::vector<Case> cases{
        {",result,table\r\n", "row 1, byte 0: a row stands before any header"},
        {head + ",,0,a\r\n", "row 5, column 5, byte " + std::to_string(head.size()) + ": a record has 4 fields where its table has 5"},
        {head + ",,0,a,1,2\r\n", "row 5, column 6, byte " + std::to_string(head.size()) + ": a record has 6 fields where its table has 5"},
        {head + ",,0,a\"b,1\r\n", "row 5, column 4, byte " + std::to_string(head.size() + 5) + ": a quote stands inside an unquoted field"},
        {head + ",,0,\"a\"b,1\r\n", "row 5, column 4, byte " + std::to_string(head.size() + 7) + ": text follows a closing quote"},
        {head + "x,,0,a,1\r\n", "row 5, column 1, byte " + std::to_string(head.size()) + ": a row has \"x\" in the annotation column"},
        {"#datatype,string\r\n#datatype,string\r\n", "row 2, column 1, byte 18: the annotation #datatype is repeated"},
        {"#group,true\r\n,a\r\n", "row 2, byte 13: the annotation #datatype is missing"},
        {"#datatype,string\r\n\r\n", "row 2, byte 18: a blank line follows annotations"},
        {"#datatype,string\r\n#group,true,false\r\n", "row 2, column 3, byte 18: a record has 3 fields where its table has 2"},
        {head + "\r\n{\"code\":\"internal error\"}",
         "row 6, column 1, byte " + std::to_string(head.size() + 3) + ": a quote stands inside an unquoted field"},
    };
    for (const Case& c : cases) {
        for (const std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
            const Seen seen = read(c.body, piece);
            INFO(c.body);
            REQUIRE(seen.failed);
            CHECK(seen.failure.code == Errc::corrupt);
            CHECK(seen.failure.message.substr(0, c.message.size()) == c.message);
        }
    }
}

TEST_CASE("a row beyond the limit is answered as a long row with its beginning, and reading goes on behind it") {
    Limits limits;
    limits.max_row_bytes = 32;
    const std::string row = ",,0,\"" + std::string(100, 'y') + "\r\n" + std::string(5, 'z') + "\",1\r\n";
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{10}}) {
        const Seen seen = read(head + ",,0,a,1\r\n" + row + ",,0,b,2\r\n\r\n", piece, limits);
        REQUIRE_FALSE(seen.failed);
        REQUIRE(seen.rows.size() == 3);
        CHECK(seen.long_rows == 1);
        CHECK(seen.rows[1] == "long:" + std::to_string(row.size() - 2) + ":" + row.substr(0, 32));
        CHECK(seen.rows[2] == "|0|b|2|");
        CHECK(seen.finish.empty());
    }
}

TEST_CASE("headers beyond the limits of bytes, columns and annotation rows make the response corrupt") {
    Limits limits;
    limits.max_header_bytes = 64;
    CHECK(read(head, 0, limits).failure.message.find("limits.maxHeaderBytes") != std::string::npos);
    CHECK(read(head, 3, limits).failure.message.find("limits.maxHeaderBytes") != std::string::npos);
    limits = {};
    limits.max_columns = 3;
    CHECK(read(head, 0, limits).failure.message.find("limits.maxColumns") != std::string::npos);
    std::string many;
    for (int i = 0; i < 40; ++i)
        many += "#other,a\r\n";
    CHECK(read(many).failure.message.find("annotation rows") != std::string::npos);
}

TEST_CASE("an unknown datatype is kept as unknown, and an empty #default is no default") {
    Reader reader;
    const std::string body = "#datatype,string,long,dynamic\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,d\r\n";
    reader.feed(body);
    REQUIRE(reader.next() == Event::table);
    CHECK(reader.table().columns[2].type == Type::unknown);
    CHECK(reader.table().columns[2].datatype == "dynamic");
    CHECK(reader.table().columns[2].default_value.empty());
}

TEST_CASE("a blank line without new annotations goes on with the same table") {
    CHECK(read(head + ",,0,a,1\r\n\r\n,,1,b,2\r\n\r\n").rows == std::vector<std::string>{"|0|a|1|", "|1|b|2|"});
}

TEST_CASE("the bound of a header counts each annotation block alone") {
    Limits limits;
    limits.max_header_bytes = static_cast<std::uint32_t>(head.size());
    const Seen seen = read(head + ",,0,a,1\r\n\r\n" + head + ",,1,b,2\r\n\r\n", 0, limits);
    CHECK_FALSE(seen.failed);
    CHECK(seen.tables == 2);
    CHECK(seen.rows.size() == 2);
    limits.max_header_bytes -= 1;
    CHECK(read(head, 0, limits).failed);
}

TEST_CASE("more annotation rows than limits.maxAnnotations make the response corrupt, and the error names it") {
    Limits limits;
    limits.max_annotations = 3;
    CHECK(read(head + "\r\n", 0, limits).tables == 1);
    const Seen seen = read("#a,,,,\r\n" + head, 0, limits);
    REQUIRE(seen.failed);
    CHECK(seen.failure.code == Errc::corrupt);
    CHECK(seen.failure.row == 4);
    limits.max_annotations = 2;
    const Seen fewer = read(head, 0, limits);
    REQUIRE(fewer.failed);
    CHECK(fewer.failure.row == 3);
    CHECK(fewer.failure.message.find("limits.maxAnnotations") != std::string::npos);
}

TEST_CASE("an error row beyond max_row_bytes is the server's error all the same, with the beginning of its words") {
    const std::string error = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n";
    Limits limits;
    limits.max_row_bytes = 18;
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
        const Seen seen = read(error + ",\"a long \"\"story\"\" of what went wrong\",\r\n", piece, limits);
        REQUIRE(seen.failed);
        CHECK(seen.failure.code == Errc::query);
        CHECK(seen.failure.server_text == "a long \"story\"");
        CHECK(seen.long_rows == 0);
    }
}

TEST_CASE("a long row with text in the annotation column is corrupt like a short one") {
    Limits limits;
    limits.max_row_bytes = 8;
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}}) {
        const Seen seen = read(head + "beyond the limit,,0,a,1\r\n", piece, limits);
        REQUIRE(seen.failed);
        CHECK(seen.failure.code == Errc::corrupt);
        CHECK(seen.failure.column == 1);
        CHECK(seen.failure.message.find("\"beyond t\" in the annotation column") != std::string::npos);
    }
}

TEST_CASE("how many bytes were read of a response with a wrong quote does not depend on the pieces") {
    const std::string body = head + ",,0,\"a\"\rb,1\r\n";
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
        const Seen seen = read(body, piece);
        REQUIRE(seen.failed);
        CHECK(seen.failure.offset == head.size() + 7);
        CHECK(seen.bytes == head.size() + 7);
    }
}

TEST_CASE("an error table without a row makes the answer incomplete, whatever follows it") {
    const std::string error = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n\r\n";
    CHECK(read(error).finish.find("error table that has no row") != std::string::npos);
    const Seen seen = read(error + head + ",,0,a,1\r\n\r\n");
    CHECK(seen.rows.size() == 1);
    CHECK(seen.finish.find("error table that has no row") != std::string::npos);
}
