// Runs a program as a user would: arguments, environment, both streams, signals, exit code.
#pragma once

#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <vector>

namespace fluxgate::test {

struct Finished {
    int code = -1;     // exit code, or 128 + signal
    bool hung = false; // it did not end in time and was killed
    std::string out, err;
};

class Process {
public:
    // Starts `program`. The environment is this process's with `environment` laid over it. `directory` is where it runs.
    Process(const std::string& program, const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment = {},
            const std::string& directory = ".");
    ~Process(); // kills it if it still runs
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void signal(int number);
    // Closes our end of its standard output, as `head` does.
    void close_output();
    // Reads both streams until standard output holds `bytes` bytes (true), or it ended or `most` passed.
    bool until_output(std::size_t bytes, std::chrono::milliseconds most);
    // The same for a text on standard error.
    bool until_error(const std::string& text, std::chrono::milliseconds most);
    // What was read of standard error so far.
    [[nodiscard]] const std::string& errors() const noexcept { return finished_.err; }
    // Reads both streams until both have ended, as they do when it ends; false when that takes longer.
    bool until_end(std::chrono::milliseconds most);
    Finished wait(std::chrono::milliseconds most);

private:
    bool pump(std::chrono::milliseconds most); // reads what is there; false when both streams have ended

    int pid_ = -1;
    int out_ = -1, err_ = -1;
    Finished finished_;
};

// Runs it to its end, at most 30 seconds.
Finished run_program(const std::string& program, const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& environment = {}, const std::string& directory = ".");

// A directory of its own, removed with all that is in it.
class TempDirectory {
public:
    TempDirectory();
    ~TempDirectory();
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    // Writes a file into it and answers its path.
    std::string write(const std::string& name, const std::string& text) const;

private:
    std::string path_;
};

std::vector<std::string> lines_of(const std::string& text);

} // namespace fluxgate::test
