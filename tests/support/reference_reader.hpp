// A slow and obvious reader of annotated CSV: the whole body in, everything that lib/flux/reader.hpp promises out. It shares
// only the plain data types with lib/flux, so that what both say alike was thought of twice.
#pragma once

#include "flux/reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::test {

struct ReferenceField {
    std::string raw; // between the delimiters, without the outer quotes
    std::uint8_t flags = 0;
    bool operator==(const ReferenceField&) const = default;
};

// A table, a row or a long row, in the order of the body.
struct ReferenceEvent {
    flux::Event kind = flux::Event::row;
    flux::Table table;                  // of a table
    std::vector<ReferenceField> fields; // of a row
    std::string raw;                    // of a row and a long row
    std::uint64_t offset = 0, number = 0, long_row_bytes = 0;
};

struct ReferenceAnswer {
    std::vector<ReferenceEvent> events;
    // Its message holds words that the reader's message must contain, not the whole of it.
    std::optional<flux::Failure> failure;
    // "" when the body is complete, else words that the reader's finish() must contain.
    std::string finish;
    std::uint64_t records = 0, bytes = 0;
};

[[nodiscard]] ReferenceAnswer read_reference(std::string_view body, const flux::Limits& limits = {});

} // namespace fluxgate::test
