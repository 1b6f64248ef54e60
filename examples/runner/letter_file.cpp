#include "letter_file.hpp"

#include "json_parts.hpp"

#include "telemetry/text.hpp"

#include <rapidjson/document.h>

#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace fluxgate::runner {

namespace {

constexpr std::size_t max_line = 256u << 20; // a row of 16 MiB, escaped, and once more in base 64
constexpr std::size_t piece_size = 1u << 20;

std::uint64_t digest_of(std::string_view line) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : line)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

// None when the line is no record.
std::optional<Letter> parse(std::string& line) {
    rapidjson::Document json;
    json.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
    if (json.HasParseError() || !json.IsObject()) return std::nullopt;
    const rapidjson::Value *raw = member_of(json, "raw"), *reason = member_of(json, "reason");
    if (raw == nullptr || !raw->IsString() || reason == nullptr || !reason->IsObject()) return std::nullopt;
    Letter out;
    out.time = text_of(json, "time");
    out.pipeline = text_of(json, "pipeline");
    out.stage = text_of(json, "stage");
    out.code = text_of(*reason, "code");
    out.text = text_of(*reason, "text");
    out.raw = text_of(json, "raw");
    const rapidjson::Value *partition = member_of(json, "partition"), *truncated = member_of(json, "truncated");
    if (partition != nullptr && partition->IsUint()) out.partition = partition->GetUint();
    out.truncated = truncated != nullptr && truncated->IsTrue();
    out.not_utf8 = member_of(json, "rawBase64") != nullptr;
    return out;
}

} // namespace

Error LetterFile::failed(const std::string& what, int code) const {
    return {Errc::io, "cannot " + what + " " + path_ + ": " + std::generic_category().message(code)};
}

Result<LetterFile> LetterFile::open(std::string path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    LetterFile out{std::move(path), fd};
    if (fd < 0) return out.failed("open", errno);
    return out;
}

LetterFile::LetterFile(LetterFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), damaged_(other.damaged_), marks_(std::move(other.marks_)),
      notes_(std::move(other.notes_)) {}

LetterFile::~LetterFile() {
    if (fd_ >= 0) ::close(fd_);
}

Result<void> LetterFile::lines(const std::function<bool(std::uint64_t, std::uint64_t, std::string&)>& look) {
    std::string open; // a line whose end was not seen yet
    std::string piece(piece_size, '\0');
    std::uint64_t at = 0, number = 0;
    for (;;) {
        const ssize_t got = ::pread(fd_, piece.data(), piece.size(), static_cast<off_t>(at + open.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read", errno);
        if (got == 0) return {};
        std::string_view rest{piece.data(), static_cast<std::size_t>(got)};
        for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
            open += rest.substr(0, end);
            const std::uint64_t begin = at;
            at += open.size() + 1;
            if (!look(++number, begin, open)) return {};
            open.clear();
        }
        open += rest;
        if (open.size() > max_line) return Error{Errc::io, path_ + " has a line of more than 256 MiB, so it is no file of dead letters"};
    }
}

bool LetterFile::take_mark(std::string_view line) {
    if (line.substr(0, 12) != R"({"replayed":)") return false;
    rapidjson::Document json;
    json.Parse<rapidjson::kParseIterativeFlag>(line.data(), line.size());
    if (json.HasParseError() || !json.IsObject()) return false;
    const rapidjson::Value* mark = member_of(json, "replayed");
    const rapidjson::Value* number = mark != nullptr && mark->IsObject() ? member_of(*mark, "line") : nullptr;
    if (number == nullptr || !number->IsUint64()) return false;
    marks_.emplace(number->GetUint64(), std::strtoull(text_of(*mark, "digest").c_str(), nullptr, 16));
    return true;
}

Result<void> LetterFile::find_marks() {
    return lines([this](std::uint64_t, std::uint64_t, std::string& line) {
        take_mark(line);
        return true;
    });
}

Result<void> LetterFile::each(const std::function<bool(Letter&)>& look) {
    damaged_ = 0;
    return lines([&](std::uint64_t number, std::uint64_t offset, std::string& line) {
        if (line.empty() || take_mark(line)) return true;
        std::optional<Letter> letter = parse(line);
        if (!letter) {
            ++damaged_;
            return true;
        }
        letter->number = number;
        letter->offset = offset;
        letter->size = line.size();
        letter->digest = digest_of(line);
        letter->line = std::move(line);
        line.clear();
        return look(*letter);
    });
}

Result<Letter> LetterFile::read(std::uint64_t number, std::uint64_t offset, std::uint64_t size) const {
    std::string line(size, '\0');
    for (std::size_t done = 0; done < line.size();) {
        const ssize_t got = ::pread(fd_, line.data() + done, line.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read", errno);
        if (got == 0) return Error{Errc::io, path_ + " became shorter while it was read"};
        done += static_cast<std::size_t>(got);
    }
    std::optional<Letter> letter = parse(line);
    if (!letter) return Error{Errc::io, path_ + " was changed while it was read"};
    letter->number = number;
    letter->offset = offset;
    letter->size = size;
    letter->digest = digest_of(line);
    letter->line = std::move(line);
    return std::move(*letter);
}

Result<void> LetterFile::take_for_replay() {
    const int fd = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd < 0) return failed("open for writing", errno);
    ::close(std::exchange(fd_, fd));
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) {
        // A run that died inside a line leaves it without an end; our first note must not be glued to it.
        const off_t end = ::lseek(fd_, 0, SEEK_END);
        char last = '\n';
        if (end < 0 || (end > 0 && ::pread(fd_, &last, 1, end - 1) != 1)) return failed("read", errno);
        if (last != '\n') notes_ = "\n";
        return {};
    }
    if (errno == EWOULDBLOCK) return Error{Errc::io, path_ + " is being replayed by another process; wait until that has ended"};
    return failed("lock", errno);
}

void LetterFile::mark(std::uint64_t number, std::uint64_t digest) {
    char text[96];
    std::snprintf(text, sizeof text, R"({"replayed":{"line":%)" PRIu64 R"(,"digest":"%016)" PRIx64 R"("},"time":")", number, digest);
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    notes_ += text + telemetry::rfc3339(now) + "\"}\n";
    marks_.emplace(number, digest);
}

Result<void> LetterFile::flush() {
    while (!notes_.empty()) {
        const ssize_t written = ::write(fd_, notes_.data(), notes_.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed("write what was replayed to", errno);
        notes_.erase(0, static_cast<std::size_t>(written));
    }
    if (::fdatasync(fd_) != 0) return failed("make durable what was replayed in", errno);
    return {};
}

} // namespace fluxgate::runner
