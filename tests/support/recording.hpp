// Recorded answers of real servers (tests/data/recordings): the bytes on the wire and the messages that must come of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::test {

struct Recording {
    std::string name;
    std::string wire; // the whole HTTP answer as recorded
    int status = 0;
    bool gzip = false;
    bool chunked = false;
    std::string body; // without chunk framing, gzip decoded
    bool has_expected = false;
    std::vector<std::string> expected; // {"properties":{...},"payload":{...}} a row, in order
    std::string error;                 // text of the error table that ended it, or empty
};

// Loads one case, e.g. ("influxd-2.7", "yields"). Fails the test when it is not there.
Recording load_recording(const std::string& folder, const std::string& name);

// The names of a folder's index.json whose answer is annotated CSV that the stage must read.
std::vector<std::string> readable_recordings(const std::string& folder);

// The whole file; .gz is decoded.
std::string read_file(const std::string& path);

// What a message carries of its row, in the shape of the expected files: the message without systemProperties and
// userProperties.
std::string comparable(std::string_view message);

} // namespace fluxgate::test
