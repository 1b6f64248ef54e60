// What an output has delivered: final files below a directory, or the file into which a reader wrote what it got from the pipe.
#pragma once

#include "account.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace fluxgate::nothing_lost {

// One message's text. Empty: it is one; else what is wrong with it.
std::string read_message(std::string_view text, Message& out);

using Deliver = std::function<void(const Message& message, const std::string& place)>;

// The final files of output/file@v1 below a directory.
class FinalFiles {
public:
    FinalFiles(std::string directory, bool arrays) : directory_(std::move(directory)), arrays_(arrays) {}

    struct Found {
        std::string wrong;            // not empty: a file under a final name that is none
        std::uint64_t unfinished = 0; // .part files
        std::uint64_t two_names = 0;  // of these, with the final name already beside the other
    };
    // Hands on the messages of files that are new.
    Found look(const Deliver& deliver);
    // What is not as it was when it was seen first, for a final file never changes. Empty: nothing.
    [[nodiscard]] std::string changed() const;
    [[nodiscard]] std::size_t count() const noexcept { return files_.size(); }

private:
    std::string read(const std::string& path, const std::string& name, const Deliver& deliver) const;

    struct Seen {
        std::uintmax_t bytes = 0;
        std::filesystem::file_time_type written;
    };
    std::string directory_;
    bool arrays_;
    std::map<std::string, Seen> files_; // by path
};

// The lines in a file that a reader of the pipe wrote. The tail behind the last line's end is what the kill tore off: it does not
// count, and whether it is there is said in `torn`. Empty: everything else is a message; else what is not.
std::string read_lines(const std::string& file, bool& torn, const Deliver& deliver);

} // namespace fluxgate::nothing_lost
