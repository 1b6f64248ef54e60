// Troubles that people have, provoked: the program, run until it says what the README's table lists.
#pragma once

#include "support/process.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fluxgate::test {

struct Trouble {
    std::string row;  // the first column of the table "When things go wrong"
    std::string span; // what in it, between backticks, the program says
    std::function<Finished()> provoke;
};

std::vector<Trouble> troubles();

} // namespace fluxgate::test
