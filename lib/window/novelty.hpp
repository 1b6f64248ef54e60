// Rows of which it is certain that no identical one came before them in their window.
#pragma once

#include "flux/table.hpp"
#include "window/hash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::window {

// Mostly the rows of a series come in the order of their times, and then each is new without a look at any other: a row's identity
// (see RowIds) says the result, every column's name and value, and _time among them. A series are the rows that agree in the result,
// in the names of their columns and in the values of the columns that the server calls grouped. Two rows that are alike are of one
// series, and a series whose times only rise, as bytes, has no two that are alike.
//
// Nothing is taken on trust: where the same columns come with other ones grouped, where a name or value holds the byte that separates
// them in what is hashed, where a time is not plain text, or where there are too many series, no later row of the window is
// called new. Series are told apart by XXH3-128. Memory: at most 65,536 series of about 100 bytes. Not thread-safe.
class Novelty {
public:
    // A new window begins.
    void clear();

    // Rows of this table follow (what is needed is copied).
    void set_table(const flux::Table& table);

    // The next row; every row that gets an identity has to be shown. True: no row shown before in this window is identical. False:
    // it is not known.
    bool is_new(const flux::Row& row);

    // Of the row shown last, without its Z; empty where it is not certain that the row has one time, in plain text, and that its
    // identity says so. Valid until the next row.
    [[nodiscard]] std::string_view time() const noexcept { return present_time_; }

    // The latest, in the order of bytes, of all the window's rows that have a time; "" without one. None: it is not certain.
    [[nodiscard]] std::optional<std::string> newest() const;

private:
    static constexpr std::size_t most_series = 65'536;
    static constexpr std::size_t none = ~std::size_t{0};
    struct Series {
        std::array<char, 40> time{}; // the latest
        std::size_t size = 0;
    };
    struct Low {
        std::size_t operator()(const Hash128& hash) const noexcept { return static_cast<std::size_t>(hash.low); }
    };

    void set_layout(const flux::Table& table, std::vector<std::size_t> hashed);
    [[nodiscard]] std::string_view value_of(const flux::Row& row, std::size_t column);
    void look_at(const flux::Row& row, std::size_t first, std::size_t last);
    void find_series(const flux::Row& row);
    bool follows(std::string_view time);

    std::vector<std::string> defaults_;        // of columns
    std::vector<bool> tells_;                  // whether a column tells series apart
    std::vector<std::uint32_t> telling_until_; // how many of the columns before it do; one more than there are columns
    std::vector<std::size_t> in_series_;       // those that do, in the order of their names
    std::size_t result_ = none;
    std::size_t time_ = none;                           // the column _time, where there is one only
    Hash128 layout_;                                    // of the names of the columns
    std::unordered_map<Hash128, Hash128, Low> grouped_; // by layout: which of them tell series apart
    std::unordered_map<Hash128, Series, Low> series_;
    Series* present_ = nullptr;
    std::string_view present_time_;
    std::uint64_t last_number_ = 0;
    bool uncertain_ = false;
    std::string text_, decoded_;
};

} // namespace fluxgate::window
