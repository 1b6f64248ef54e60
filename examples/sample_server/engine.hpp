// Answers a query over the plant: which results, tables and rows, in which order. Without I/O, so it is also the oracle:
// ask it the query that a server was asked (with the same `now`) and it says what every row must have become.
#pragma once

#include "flux_subset.hpp"
#include "table.hpp"
#include "written.hpp"

#include <string>
#include <vector>

namespace fluxgate::sample {

// Rows are computed when a table's `rows` is called; only pivot keeps rows in memory (at most 1,000,000 a query). What was
// written is read now; `written` must outlive the results, which point into its strings.
Result<std::vector<NamedResult>> evaluate(const Query& query, const Written& written);

// One row as fluxgate's message must carry it.
struct ExpectedMessage {
    std::string result;
    std::int64_t table = 0;
    std::string payload; // canonical JSON text
    friend bool operator==(const ExpectedMessage& a, const ExpectedMessage& b) {
        return a.result == b.result && a.table == b.table && a.payload == b.payload;
    }
};

struct Expectation {
    std::vector<ExpectedMessage> messages;
    std::string error; // the text of the error table that ends the answer, or empty
};

// The oracle. What CSV cannot carry is lost as on the wire: carriage returns in strings, and the difference between an
// empty string and null. Bounded by memory: ask for ranges that fit.
Expectation expect(const std::vector<NamedResult>& results);

// Reads and evaluates in one step; `now` is the request's `now`, or the server's clock at that request. Without `written` of
// the plant alone.
Result<Expectation> expect(std::string_view query, Time now, const Written& written);
Result<Expectation> expect(std::string_view query, Time now);

// Canonical JSON of one value, as above.
void append_json(std::string& out, const Value& value);
void append_json_string(std::string& out, std::string_view text);

} // namespace fluxgate::sample
