#include "core/file_output.hpp"

#include "core/extract.hpp"
#include "core/io_error.hpp"
#include "core/line_protocol.hpp"
#include "core/owned_batch.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace fluxgate::core {
namespace {

constexpr std::int64_t idle_after_ns = 1'000'000'000;
constexpr std::uint64_t write_back_step = 8u << 20;
constexpr std::string_view array_begin = "[\n", array_end = "\n]\n", array_separator = ",\n";

} // namespace

FileOutput::FileOutput(FileSettings settings, const stage::Config& config, stage::Host host, RootDirectory root)
    : settings_(std::move(settings)), pipeline_id_(config.pipeline_id), instance_id_(config.instance_id), stage_id_(config.stage_id),
      partition_(config.partition), host_(host), root_(std::move(root)), prefix_(part_prefix(config.pipeline_id, config.instance_id)),
      window_path_(*jsonpath::JsonPath::compile(".properties.window")) {}

Result<std::unique_ptr<FileOutput>> FileOutput::create(const stage::Config& config, stage::Host host) {
    ParsedFileSettings parsed = parse_file_settings(config.document);
    if (!parsed.settings)
        return Error{Errc::configuration, "the configuration of output/file@v1 is not valid", {}, stage::violations_json(parsed.violations)};
    return open(*std::move(parsed.settings), config, host);
}

Result<std::unique_ptr<FileOutput>> FileOutput::open(FileSettings settings, const stage::Config& config, stage::Host host) {
    Result<RootDirectory> root = RootDirectory::open(settings.root_directory);
    if (!root.ok()) return root.error();
    std::unique_ptr<FileOutput> made{new FileOutput{std::move(settings), config, host, *std::move(root)}};
    const Result<std::uint64_t> removed = made->root_.remove_leftovers(made->prefix_);
    if (!removed.ok()) return removed.error();
    if (*removed > 0) {
        host.log(FG_LOG_INFO, "file.leftovers-removed", "removed unfinished files of an earlier run; their messages are read again",
                 {{"files", std::to_string(*removed)}, {"rootDirectory", made->settings_.root_directory}});
    }
    return made;
}

FileOutput::~FileOutput() {
    if (!file_) return;
    root_.discard(file_->part);
    for (const std::uint64_t token : file_->tokens)
        host_.complete(token, FG_ABANDONED);
}

Result<void> FileOutput::broken(Error error) {
    error_ = std::move(error);
    return *error_;
}

// The batch as it stands in the file, without what begins and ends an array.
Result<void> FileOutput::make_text(const fg_batch& batch) {
    text_.clear();
    const bool stream = settings_.format == FileFormat::json_stream;
    return for_each_document(batch, settings_.path, host_, stage_id_, [this, stream](std::string_view document) {
        if (!stream && !text_.empty()) text_ += array_separator;
        text_ += document;
        if (stream) text_ += '\n';
    });
}

// A message that cannot be a line is a dead letter.
Result<void> FileOutput::make_lines(const fg_batch& batch) {
    text_.clear();
    for (std::uint32_t i = 0; i < batch.count; ++i) {
        const std::string_view message{batch.text + batch.messages[i].offset, batch.messages[i].size};
        const std::string why = append_line(text_, message);
        if (why.empty()) continue;
        const std::string text = "output stage \"" + stage_id_ + "\": the row cannot be a line of line protocol: " + why;
        if (Result<void> recorded = put_aside(host_, batch, "line-protocol", text, message); !recorded.ok()) return recorded;
    }
    return {};
}

// All messages of a batch are of one window.
std::string FileOutput::window_of(const fg_batch& batch) const {
    if (!settings_.file_path.names_window() || batch.count == 0) return {};
    const Result<std::string_view> found = window_path_.find({batch.text + batch.messages[0].offset, batch.messages[0].size});
    return found.ok() && found->substr(0, 1) == "[" ? std::string{*found} : std::string{};
}

Result<void> FileOutput::open_file(std::string window) {
    Result<PartFile> part = root_.make_part(prefix_, partition_);
    if (!part.ok()) return part.error();
    file_.emplace();
    file_->part = *std::move(part);
    file_->opened_wall_ns = host_.wall_ns();
    file_->close_at_ns = host_.monotonic_ns() + settings_.time.count();
    file_->window = std::move(window);
    if (settings_.compression == Compression::gzip) file_->gzip.emplace();
    return {};
}

Result<void> FileOutput::append(std::string_view text) {
    if (!file_->gzip) return put(text);
    packed_.clear();
    file_->gzip->add(text, packed_);
    return put(packed_);
}

Result<void> FileOutput::put(std::string_view text) {
    const int fd = file_->part.fd.get();
    while (!text.empty()) {
        const long written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            const int code = written < 0 ? errno : ENOSPC;
            return io_error("write to", root_.display(file_->part.name), code,
                            "nothing of this file counts as delivered; free some space or check the disk, and start again");
        }
        text.remove_prefix(static_cast<std::size_t>(written));
        file_->bytes += static_cast<std::uint64_t>(written);
    }
    // Starting the write-back early keeps the final sync of a large file short. Only a hint, so its answer does not matter.
    if (file_->bytes - file_->written_back >= write_back_step) {
        static_cast<void>(::sync_file_range(fd, static_cast<off64_t>(file_->written_back), static_cast<off64_t>(file_->bytes - file_->written_back),
                                            SYNC_FILE_RANGE_WRITE));
        file_->written_back = file_->bytes;
    }
    return {};
}

std::string FileOutput::name_for(std::uint64_t number) const {
    // ["2026-11-21T10:00:00Z","2026-11-21T10:10:00Z"]
    const std::string_view window = file_->window;
    const std::size_t comma = window.find("\",\"");
    const bool known = comma != std::string_view::npos && window.size() > comma + 5;
    return settings_.file_path.render({pipeline_id_, instance_id_, partition_, file_->opened_wall_ns, known ? window.substr(2, comma - 2) : "",
                                       known ? window.substr(comma + 3, window.size() - comma - 5) : ""},
                                      number);
}

Result<void> FileOutput::publish() {
    if (settings_.format == FileFormat::json) {
        if (Result<void> ended = append(array_end); !ended.ok()) return ended;
    }
    if (file_->gzip) {
        packed_.clear();
        file_->gzip->end(packed_);
        if (Result<void> ended = put(packed_); !ended.ok()) return ended;
    }
    // Numbers of files that were published a moment ago are not tried again.
    std::string first_name = name_for(0);
    std::uint64_t number = first_name == last_first_name_ ? next_number_ : 0;
    const Result<std::string> name = root_.publish(
        file_->part, [this](std::uint64_t n) { return name_for(n); }, number);
    if (!name.ok()) return name.error();
    last_first_name_ = std::move(first_name);
    next_number_ = number + 1;
    host_.log(FG_LOG_DEBUG, "file.published", "a file is complete", {{"file", *name}, {"bytes", std::to_string(file_->bytes)}});
    const std::vector<std::uint64_t> tokens = std::move(file_->tokens);
    file_.reset();
    for (const std::uint64_t token : tokens)
        host_.complete(token, FG_DELIVERED);
    return {};
}

Result<stage::Written> FileOutput::write(fg_batch& batch, std::uint64_t token) {
    if (error_) return *error_;
    std::string_view text;
    if (settings_.path.is_identity() && settings_.format == FileFormat::json_stream) {
        text = text_of(batch);
    } else {
        Result<void> made = settings_.format == FileFormat::line_protocol ? make_lines(batch) : make_text(batch);
        if (!made.ok()) return broken(std::move(made).error()).error();
        text = text_;
    }
    if (text.empty()) { // every message became a dead letter
        release_batch(batch);
        host_.complete(token, FG_DELIVERED);
        return stage::Written::taken;
    }
    std::string window = window_of(batch);
    const auto write_text = [&]() -> Result<void> {
        if (file_ && (due() || file_->window != window || file_->bytes + text.size() > settings_.max_file_bytes)) {
            if (Result<void> published = publish(); !published.ok()) return published;
        }
        const bool fresh = !file_;
        if (fresh) {
            if (Result<void> opened = open_file(std::move(window)); !opened.ok()) return opened;
        }
        if (settings_.format == FileFormat::json) {
            if (Result<void> begun = append(fresh ? array_begin : array_separator); !begun.ok()) return begun;
        }
        return append(text);
    };
    if (Result<void> done = write_text(); !done.ok()) return broken(std::move(done).error()).error();
    file_->tokens.push_back(token);
    release_batch(batch);
    if (file_->bytes >= settings_.max_file_bytes) {
        // The batch is taken; should this fail, the next call says so and the batch is abandoned with the file.
        if (Result<void> published = publish(); !published.ok()) static_cast<void>(broken(std::move(published).error()));
    }
    return stage::Written::taken;
}

Result<void> FileOutput::poll(std::int64_t /*timeout_ns*/, std::int64_t& next_deadline_ns) {
    next_deadline_ns = host_.monotonic_ns() + idle_after_ns;
    if (error_) return *error_;
    if (due()) {
        if (Result<void> published = publish(); !published.ok()) return broken(std::move(published).error());
    }
    if (file_) next_deadline_ns = std::min(next_deadline_ns, file_->close_at_ns);
    return {};
}

Result<stage::Flushed> FileOutput::flush(std::int64_t /*deadline_ns*/) {
    if (error_) return *error_;
    if (file_) {
        if (Result<void> published = publish(); !published.ok()) return broken(std::move(published).error()).error();
    }
    return stage::Flushed::all;
}

} // namespace fluxgate::core
