// A file of dead letters as it is read: records, and marks of those that were sent again.
//
// A mark is a line {"replayed":{"line":N,"digest":"<16 hex digits>"},"time":"..."} behind the record on line N. It counts only while
// that line has that digest (FNV-1a, 64 bits), so a file that was cut or rotated has no wrong marks. Lines are only ever appended.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace fluxgate::runner {

struct Letter {
    std::uint64_t number = 0; // of its line, from 1
    std::uint64_t offset = 0; // of its line, in bytes
    std::uint64_t size = 0;   // of its line, without the line feed
    std::uint64_t digest = 0; // of its line
    std::string time, pipeline, stage, code, text, raw;
    std::optional<std::uint32_t> partition;
    bool truncated = false;
    bool not_utf8 = false; // `raw` is only the readable form
    std::string line;      // as it stands in the file
};

class LetterFile {
public:
    // Errc::io names the file.
    static Result<LetterFile> open(std::string path);
    LetterFile(LetterFile&& other) noexcept;
    LetterFile& operator=(LetterFile&&) = delete;
    ~LetterFile();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    // Every record of the file as it is now, in order, until `look` answers false. Lines that are no records (damaged ones) are counted
    // in `damaged`; a last line without its end is somebody's who is writing, or died doing so, and is left alone.
    Result<void> each(const std::function<bool(Letter&)>& look);
    [[nodiscard]] std::uint64_t damaged() const noexcept { return damaged_; }
    // Known after each() has run to its end, or after find_marks().
    [[nodiscard]] bool replayed(const Letter& letter) const { return marks_.count({letter.number, letter.digest}) != 0; }
    Result<void> find_marks();

    // One record, by what each() said of it.
    Result<Letter> read(std::uint64_t number, std::uint64_t offset, std::uint64_t size) const;

    // For sending again: nobody else may at the same time. Errc::io when somebody does.
    Result<void> take_for_replay();
    // Notes that the record was sent again; flush() makes all notes durable.
    void mark(std::uint64_t number, std::uint64_t digest);
    Result<void> flush();

private:
    LetterFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    [[nodiscard]] Error failed(const std::string& what, int code) const;
    bool take_mark(std::string_view line);
    Result<void> lines(const std::function<bool(std::uint64_t number, std::uint64_t offset, std::string& line)>& look);

    std::string path_;
    int fd_ = -1;
    std::uint64_t damaged_ = 0;
    std::set<std::pair<std::uint64_t, std::uint64_t>> marks_; // line and digest
    std::string notes_;
};

} // namespace fluxgate::runner
