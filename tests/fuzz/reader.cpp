// The reader of annotated CSV, in any pieces, against the reference reader: equal tables, rows, errors, offsets and verdict; and
// what its journal tells again against what it told.
// Input: limits, size of pieces, seed, body.
#include "input.hpp"
#include "support/reference_reader.hpp"
#include "support/same_events.hpp"
#include "targets.hpp"

#include <vector>

namespace fluxgate::fuzz::reader {

namespace {

using flux::Event;
using test::ReferenceAnswer;
using test::ReferenceEvent;

flux::Limits limits_chosen_by(std::uint8_t choice) {
    flux::Limits limits;
    static constexpr std::uint32_t rows[] = {16u << 20, 1, 2, 7, 20, 64};
    limits.max_row_bytes = rows[(choice & 7) % std::size(rows)];
    if ((choice & 8) != 0) limits.max_columns = 3;
    static constexpr std::uint32_t headers[] = {1u << 20, 1, 40, 100};
    limits.max_header_bytes = headers[(choice >> 4) & 3];
    if ((choice & 64) != 0) limits.max_annotations = 2;
    if ((choice & 128) != 0) limits.max_columns = 1;
    return limits;
}

void same_table(const flux::Table& found, const flux::Table& wanted) {
    demand_equal(found.number, wanted.number, "the number of a table");
    demand_equal(found.columns.size(), wanted.columns.size(), "the number of columns");
    demand_equal(found.result_column, wanted.result_column, "the result column");
    demand_equal(found.table_column, wanted.table_column, "the table column");
    for (std::size_t i = 0; i < wanted.columns.size(); ++i) {
        const flux::Column &a = found.columns[i], &b = wanted.columns[i];
        demand_equal(a.name, b.name, "a column's name");
        demand_equal(a.datatype, b.datatype, "a column's datatype");
        demand_equal(a.default_value, b.default_value, "a column's default");
        demand_equal(static_cast<int>(a.type), static_cast<int>(b.type), "a column's type");
        demand_equal(a.group, b.group, "a column's group flag");
    }
}

void same_row(const flux::Row& found, const ReferenceEvent& wanted) {
    demand_equal(found.offset, wanted.offset, "a row's offset");
    demand_equal(found.number, wanted.number, "a row's number");
    demand_equal(found.raw, wanted.raw, "a row's bytes");
    demand_equal(found.fields.size(), wanted.fields.size(), "a row's fields");
    for (std::size_t i = 0; i < wanted.fields.size(); ++i) {
        demand_equal(found.fields[i].raw(), wanted.fields[i].raw, "a field's bytes");
        demand_equal(int{found.fields[i].flags}, int{wanted.fields[i].flags}, "a field's flags");
    }
}

class Comparison {
public:
    Comparison(const ReferenceAnswer& wanted, const flux::Limits& limits) : wanted_(wanted), reader_(limits) {}

    void read(std::string_view body, Cut cut) {
        in_pieces(body, cut, [&](std::string_view piece) {
            reader_.feed(piece);
            return piece_read();
        });
        demand_equal(next_, wanted_.events.size(), "the number of events");
        same_end();
    }

private:
    // False once the reader has failed.
    bool piece_read() {
        for (;;) {
            const Event event = reader_.next();
            if (event == Event::need_more) return true;
            if (event == Event::failed) return false;
            demand(next_ < wanted_.events.size(), "no event beyond the reference reader's");
            const ReferenceEvent& wanted = wanted_.events[next_++];
            demand_equal(static_cast<int>(event), static_cast<int>(wanted.kind), "the kind of an event");
            if (const std::string differs = journal_.add(event, reader_); !differs.empty()) broken("what a journal tells", differs);
            if (event == Event::table) {
                same_table(reader_.table(), wanted.table);
                continue;
            }
            same_row(reader_.row(), wanted);
            if (event == Event::long_row) demand_equal(reader_.long_row_bytes(), wanted.long_row_bytes, "a long row's size");
        }
    }

    void same_end() {
        const flux::Failure& failure = reader_.failure();
        demand_equal(reader_.next() == Event::failed, wanted_.failure.has_value(), "whether reading failed");
        demand_equal(reader_.records(), wanted_.records, "the number of records");
        demand_equal(reader_.bytes(), wanted_.bytes, "the number of bytes");
        const std::string finish = reader_.finish();
        demand_equal(finish.empty(), wanted_.finish.empty(), "whether the body is complete");
        if (finish.find(wanted_.finish) == std::string::npos) broken("why the body is not complete", finish + "\n" + wanted_.finish);
        if (!wanted_.failure) return;
        demand_equal(static_cast<int>(failure.code), static_cast<int>(wanted_.failure->code), "a failure's code");
        demand_equal(failure.offset, wanted_.failure->offset, "a failure's offset");
        demand_equal(failure.row, wanted_.failure->row, "a failure's row");
        demand_equal(failure.column, wanted_.failure->column, "a failure's column");
        demand_equal(failure.server_text, wanted_.failure->server_text, "the server's words");
        if (failure.message.find(wanted_.failure->message) == std::string::npos)
            broken("a failure's words", failure.message + "\n" + wanted_.failure->message);
    }

    const ReferenceAnswer& wanted_;
    flux::Reader reader_;
    test::JournalComparison journal_;
    std::size_t next_ = 0;
};

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const flux::Limits limits = limits_chosen_by(input.byte());
    const std::uint8_t pieces = input.byte();
    const Cut cut = Cut::chosen_by(pieces, input.byte());
    const std::string_view body = input.rest();
    const ReferenceAnswer wanted = test::read_reference(body, limits);
    for (const Cut& each : {cut, Cut{}, Cut{1, 0}})
        Comparison{wanted, limits}.read(body, each);
    return 0;
}

} // namespace fluxgate::fuzz::reader
