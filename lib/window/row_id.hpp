// The identity of a row: properties.rowId.
#pragma once

#include "flux/table.hpp"
#include "window/hash.hpp"
#include "window/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::window {

// XXH3-128 of the result's name and then, for each column in byte order of its name (repeated names in column order): name and
// value, all of these followed by byte 0x1F each. The value is the field as decoded from CSV, its default applied; null is empty.
// Left out are the encoder's own columns (`result` is the result's name already) and, in rows whose _time is not null, _start and
// _stop, so that the identity does not depend on the window. A row without _time hashes the window's edges where it lacks _start or
// _stop. The bytes are kept from row to row and only what changed is written anew. Not thread-safe.
class RowIds {
public:
    // The window that the rows which follow were read in.
    void set_window(const Edges& edges);

    // Rows of this table follow (copied).
    void set_table(const flux::Table& table);

    // The next row. Its identity is id(), which is the quicker the later it is asked for: bytes that were just written in small
    // pieces take a while until they can be read in large ones.
    void take(const flux::Row& row);
    [[nodiscard]] Hash128 id() const noexcept { return hash128({bytes_.data(), size_}); }

    Hash128 of(const flux::Row& row) {
        take(row);
        return id();
    }

private:
    static constexpr std::size_t none = ~std::size_t{0};
    struct Part {
        std::string name;          // with its 0x1F
        std::size_t column = none; // none: an edge of the window that the table has no column for
    };
    struct Place { // of a part's value in bytes_
        std::size_t begin = 0, size = 0;
    };

    void lay_out(bool with_time);
    void take_anew(const flux::Row& row);
    void write(Place& place, std::string_view value);
    void resize(Place& place, std::size_t size);
    std::string_view value_of(const flux::Row& row, std::size_t column);
    std::string_view part_value(const flux::Row& row, const Part& part);
    [[nodiscard]] bool has_time(const flux::Row& row) const;

    std::string start_, stop_; // the window's edges as text
    std::vector<std::string> names_, defaults_;
    std::vector<bool> own_;
    std::vector<std::size_t> time_columns_;
    std::size_t times_begin_ = none, times_end_ = 0; // all of these are in between
    std::size_t result_column_ = none;
    std::vector<Part> parts_; // [0] is the result's name
    std::vector<Place> places_;
    std::vector<std::size_t> part_of_; // by column, in the present layout; or none
    bool with_time_ = false;
    bool known_ = false; // bytes_ are those of the row before
    std::uint64_t last_number_ = 0;
    std::string bytes_, decoded_;
    std::size_t size_ = 0; // of what is hashed: the beginning of bytes_
};

} // namespace fluxgate::window
