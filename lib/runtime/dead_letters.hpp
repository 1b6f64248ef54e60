// The record of what could not be delivered: JSON lines in a file.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/stage.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace fluxgate::runtime {

// One line, without line feed. `raw` is made valid UTF-8; "rawBase64" stands beside it when it was not.
//   {"time":"...","pipeline":"p","stage":"s","reason":{"code":"c","text":"t"},"partition":0,"sequence":7,"raw":"...","truncated":true}
// partition, sequence, rawBase64 and truncated are there only when they say something.
std::string dead_letter_line(std::int64_t wall_ns, std::string_view pipeline, std::string_view stage, const fg_dead_letter& letter);

// Thread-safe. The file is opened for appending at the first letter. append() hands a line to the system, sync() makes
// everything appended so far durable: the host calls it before an acknowledgement, not once a letter. After an error every
// later call answers that error: what is on record is no longer known.
class DeadLetterFile {
public:
    explicit DeadLetterFile(std::string path) : path_(std::move(path)) {}
    virtual ~DeadLetterFile();
    DeadLetterFile(const DeadLetterFile&) = delete;
    DeadLetterFile& operator=(const DeadLetterFile&) = delete;

    Result<void> append(const std::string& line);
    Result<void> sync();

protected:
    // The system calls, for tests that let them fail. They answer 0 or an errno.
    virtual int write_all(int fd, std::string_view bytes);
    virtual int sync_data(int fd);

private:
    Result<void> open_locked();
    Error fail_locked(std::string_view what, int error);

    std::mutex mutex_;
    std::string path_;
    int fd_ = -1;
    bool dirty_ = false, directory_dirty_ = false, failed_ = false;
    Error failure_;
};

} // namespace fluxgate::runtime
