// A terminal of the test's own, as a program's standard error.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace fluxgate::test {

struct Shown {
    int code = -1;     // exit code, or 128 + signal
    std::string bytes; // as the terminal got them
    // The lines as a person sees them at the end: carriage return and EL obeyed; a line wider than the terminal would have wrapped.
    std::vector<std::string> lines;
    std::size_t widest = 0; // of everything that stood on the last line at some time
    std::size_t redrawn = 0;
};

// Runs a program with standard error on a terminal that is so wide; standard output goes there too when `output_too`, else to
// nowhere. At most `most`, then it is killed.
Shown run_on_terminal(const std::vector<std::string>& command, unsigned short columns, bool output_too, std::chrono::seconds most);

} // namespace fluxgate::test
