// The equations: what a directory holds against what the server served. Nothing of the product's own code reads it: the cursor
// is taken from the SQLite file by SQLite, rows are recognised by their whole text.
#pragma once

#include "disk.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fluxgate::power_loss {

struct Row {
    std::string payload;
    std::int64_t time = 0; // nanoseconds since 1970
    bool bad = false;      // its partition expression gives null, so it must become a dead letter
};

// Every row of the stretch of time that the scenarios read, from the sample server's own account of what it serves.
class Oracle {
public:
    // `query` with its range as times. Throws std::runtime_error when the server would refuse it.
    explicit Oracle(const std::string& query);
    [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }
    [[nodiscard]] std::optional<std::size_t> find(std::string_view payload) const;

private:
    std::vector<Row> rows_;
    std::unordered_map<std::string_view, std::size_t> by_payload_;
};

// Where the parts of a run lie below its root.
inline constexpr const char *state_directory = "var/state", *output_directory = "data/out", *letter_file = "letters/dead.jsonl";
inline constexpr const char* pipeline_id = "plant";

struct Violation {
    std::string equation, detail;
};

// How far the program says that it has delivered.
struct Claim {
    bool there = false;
    std::int64_t position = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> passed; // half-open, beyond a gap
    [[nodiscard]] bool covers(std::int64_t time) const;
};

struct Delivery {
    std::vector<std::uint32_t> in_files, in_letters; // how often each row is there, by its number
    [[nodiscard]] std::uint32_t times(std::size_t row) const { return in_files[row] + in_letters[row]; }
};

struct Holding {
    Claim claim;
    Delivery delivery;
};

class Ledger {
public:
    explicit Ledger(const Oracle& oracle) : oracle_(oracle) {}

    // Right after a power loss: the state opens, nothing that has a final name is a half, and every row that the cursor has passed
    // is in a file or among the dead letters. `whole`: what each file with a final name must hold, by its name below the root.
    // Opening the state changes its files.
    Holding after_power_loss(const std::filesystem::path& root, const std::map<std::string, std::string_view>& whole,
                             std::vector<Violation>& violations) const;

    // Wherever a program ended by itself: the same without knowing what files must hold.
    Holding after_exit(const std::filesystem::path& root, std::vector<Violation>& violations) const;

    // At the end of the run that followed: all is there, once by its rowId, and what the cursor had passed did not come again.
    // Answers how many rows did come again.
    std::uint64_t after_recovery(const std::filesystem::path& root, const Holding& before, std::int64_t stop,
                                 std::vector<Violation>& violations) const;

private:
    Claim read_claim(const std::filesystem::path& root, std::vector<Violation>& violations) const;
    Delivery read_delivery(const std::filesystem::path& root, std::vector<Violation>& violations) const;
    void compare(const Holding& holding, std::vector<Violation>& violations) const;

    const Oracle& oracle_;
};

// Whether a name below the root is that of a finished file.
bool is_final(std::string_view name);

} // namespace fluxgate::power_loss
