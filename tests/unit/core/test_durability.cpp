// What a power cut would leave: this program's own fsync notes what is on the disk. A batch may be completed only when the file it
// is in, and every name on the way to it, would survive.
#include "core/file_output.hpp"
#include "fake_host.hpp"
#include "temp_dir.hpp"

#include "support/catch.hpp"

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

struct Disk {
    bool watching = false;
    int refuses = 0; // the errno that every fsync answers, or 0
    std::map<ino_t, off_t> data;
    std::set<std::string> names; // full paths whose entry is durable
} disk;

void note(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return;
    if (!S_ISDIR(info.st_mode)) {
        disk.data[info.st_ino] = info.st_size;
        return;
    }
    const std::string path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
    std::error_code ignored; // of directories above ours
    for (fs::directory_iterator at{path, ignored}, end; !ignored && at != end; at.increment(ignored))
        disk.names.insert(at->path().string());
}

} // namespace

// Instead of the C library's, in this program.
extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
    if (disk.watching && disk.refuses != 0) {
        errno = disk.refuses;
        return -1;
    }
    const auto answer = static_cast<int>(::syscall(SYS_fsync, fd));
    if (disk.watching && answer == 0) note(fd);
    return answer;
}

using namespace fluxgate;
using namespace fluxgate::core;
using core_test::FakeHost;
using core_test::Messages;
using core_test::TempDir;

namespace {

class Watch {
public:
    Watch() {
        disk = Disk{};
        disk.watching = true;
    }
    ~Watch() { disk = Disk{}; }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
};

// What of the files with final names below `root` a power cut would take.
std::vector<std::string> would_be_lost(const fs::path& top) {
    std::vector<std::string> lost;
    for (const auto& entry : fs::recursive_directory_iterator{top}) {
        if (entry.path().extension() == ".part") continue;
        if (disk.names.count(entry.path().string()) == 0) lost.push_back("the name " + entry.path().string());
        if (!entry.is_regular_file()) continue;
        struct stat info {};
        REQUIRE(::stat(entry.path().c_str(), &info) == 0);
        const auto data = disk.data.find(info.st_ino);
        if (data == disk.data.end() || data->second != info.st_size) lost.push_back("what is in " + entry.path().string());
    }
    return lost;
}

Result<std::unique_ptr<FileOutput>> open(const FakeHost& host, const fs::path& root, FileFormat format, std::uint32_t partition) {
    FileSettings made;
    made.root_directory = root.string();
    made.file_path = *PathTemplate::compile("{{pipelineId}}/{{partitionId}}/{{DD}}/out-{{fileNumber}}.json");
    made.path = *jsonpath::JsonPath::compile(".payload");
    made.time = std::chrono::seconds{60};
    made.format = format;
    made.max_file_bytes = 200;
    fg_stage_config raw{};
    raw.size = sizeof raw;
    raw.pipeline_id = stage::to_text("plant");
    raw.instance_id = stage::to_text("host");
    raw.stage_id = stage::to_text("files");
    raw.partition = partition;
    raw.partition_count = 4;
    return FileOutput::open(std::move(made), stage::Config{raw}, host.host());
}

} // namespace

TEST_CASE("file: when a batch is completed, its file and every directory above it would survive a power cut") {
    const FileFormat format = GENERATE(FileFormat::json, FileFormat::json_stream);
    const bool made_before = GENERATE(false, true); // by a run that died before it made them durable
    const TempDir dir;
    const fs::path top = fs::canonical(dir.path()), root = top / "a" / "b";
    if (made_before) fs::create_directories(root / "plant" / "0" / "21");
    FakeHost host;
    std::size_t completed = 0;
    std::vector<std::string> lost;
    host.on_complete = [&] {
        ++completed;
        for (std::string& one : would_be_lost(top))
            lost.push_back(std::move(one));
    };
    const Watch watch;
    for (const std::uint32_t partition : {0u, 1u}) {
        auto out = *open(host, root, format, partition);
        for (std::uint64_t token = 1; token <= 12; ++token) { // several files, by size and by the flush
            fg_batch batch = Messages{}.add("\"" + std::string(40, 'x') + "\"").make();
            REQUIRE(out->write(batch, token).ok());
        }
        REQUIRE(out->flush(host.monotonic).ok());
    }
    CHECK(completed == 24);
    INFO((lost.empty() ? "" : lost.front()));
    CHECK(lost.empty());
}

TEST_CASE("file: when syncing fails nothing is completed as delivered, and no file has a final name") {
    const TempDir dir;
    FakeHost host;
    auto out = *open(host, dir.path(), FileFormat::json_stream, 0);
    fg_batch batch = Messages{}.add("1").make();
    REQUIRE(out->write(batch, 1).ok());
    {
        const Watch watch;
        disk.refuses = EIO;
        CHECK_FALSE(out->flush(host.monotonic).ok());
    }
    CHECK(host.completed().empty());
    CHECK_FALSE(out->flush(host.monotonic).ok()); // a sync that worked would say nothing about what failed before
    out.reset();
    CHECK(host.completed() == FakeHost::Completed{{1, FG_ABANDONED}});
    CHECK(dir.files().empty());
}
