// output/file@v1: files of messages, each complete and durable before its batches are.
#pragma once

#include "core/file_settings.hpp"
#include "core/gzip_writer.hpp"
#include "core/root_directory.hpp"
#include "fluxgate/stage.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fluxgate::core {

// The file that is being written.
struct OpenFile {
    PartFile part;
    std::uint64_t bytes = 0;
    std::uint64_t written_back = 0; // bytes whose write-back was started
    std::int64_t opened_wall_ns = 0;
    std::int64_t close_at_ns = 0; // monotonic
    std::vector<std::uint64_t> tokens;
    std::string window; // JSON text of properties.window, when the file's name has it
    std::optional<GzipWriter> gzip;
};

// At most one open file. A file closes settings.time after its first message, at settings.max_file_bytes, at a flush, or, when its
// name has the window, at the first message of another one;
// then it is published (root_directory.hpp) and its batches complete as delivered. After an I/O error the output stays
// broken and every call repeats that error: a file whose sync failed must not be trusted. Releasing the output removes
// its unfinished file and abandons its batches.
class FileOutput final : public stage::Output {
public:
    static Result<std::unique_ptr<FileOutput>> create(const stage::Config& config, stage::Host host);
    // The same with settings that are parsed already.
    static Result<std::unique_ptr<FileOutput>> open(FileSettings settings, const stage::Config& config, stage::Host host);

    FileOutput(const FileOutput&) = delete;
    FileOutput& operator=(const FileOutput&) = delete;
    ~FileOutput() override;

    Result<stage::Written> write(fg_batch& batch, std::uint64_t token) override;
    Result<void> poll(std::int64_t timeout_ns, std::int64_t& next_deadline_ns) override;
    Result<stage::Flushed> flush(std::int64_t deadline_ns) override;

private:
    FileOutput(FileSettings settings, const stage::Config& config, stage::Host host, RootDirectory root);

    Result<void> broken(Error error);
    Result<void> make_text(const fg_batch& batch);
    Result<void> make_lines(const fg_batch& batch);
    [[nodiscard]] std::string window_of(const fg_batch& batch) const;
    Result<void> open_file(std::string window);
    Result<void> append(std::string_view text);
    Result<void> put(std::string_view bytes);
    Result<void> publish();
    [[nodiscard]] std::string name_for(std::uint64_t number) const;
    [[nodiscard]] bool due() const { return file_ && host_.monotonic_ns() >= file_->close_at_ns; }

    FileSettings settings_;
    std::string pipeline_id_, instance_id_, stage_id_;
    std::uint32_t partition_;
    stage::Host host_;
    RootDirectory root_;
    std::string prefix_;
    std::optional<OpenFile> file_;
    std::optional<Error> error_;
    jsonpath::JsonPath window_path_;
    std::string text_;            // of the batch being written, its memory kept
    std::string packed_;          // the same, compressed
    std::string last_first_name_; // the name for number 0 of the file before
    std::uint64_t next_number_ = 0;
};

} // namespace fluxgate::core
