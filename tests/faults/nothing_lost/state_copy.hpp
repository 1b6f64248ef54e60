// What a killed process left of its state, read by hand from a copy: the file itself is left as it is for the next run, which has
// to recover it.
#pragma once

#include "account.hpp"

#include <string>

namespace fluxgate::nothing_lost {

struct LeftState {
    Snapshot cursor;
    std::string cursor_json; // as it is stored
    bool commit_cut = false; // the write-ahead log ends inside of a commit
    std::string trouble;     // not empty: it cannot be read, and why
};

// `file`: DIR/PIPELINE.db. `scratch`: a directory for the copies.
LeftState read_left_state(const std::string& file, const std::string& scratch);

} // namespace fluxgate::nothing_lost
