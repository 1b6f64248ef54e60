// Runs every committed input through its target: fuzz_replay CORPUS_FOLDER [TARGET]... . The name of each file is told before
// it is run, so that the last one named is the one that broke a rule.
#include "targets.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace fuzz = fluxgate::fuzz;

struct Target {
    std::string_view name;
    int (*run)(const std::uint8_t*, std::size_t);
};

constexpr std::array<Target, 10> targets{{{"reader", fuzz::reader::fuzz_one},
                                          {"message", fuzz::message::fuzz_one},
                                          {"routing", fuzz::routing::fuzz_one},
                                          {"gzip", fuzz::gzip::fuzz_one},
                                          {"response", fuzz::response::fuzz_one},
                                          {"settings", fuzz::settings::fuzz_one},
                                          {"pipeline", fuzz::pipeline::fuzz_one},
                                          {"jsonpath", fuzz::jsonpath::fuzz_one},
                                          {"texts", fuzz::texts::fuzz_one},
                                          {"incremental", fuzz::incremental::fuzz_one}}};

std::vector<fs::path> files_of(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator{folder}) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

void run(const Target& target, const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{stream}, {}};
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    // Memory of the exact size: reading beyond the input shows under the address sanitizer.
    const std::unique_ptr<std::uint8_t[]> exact{new std::uint8_t[bytes.size()]};
    std::copy(bytes.begin(), bytes.end(), exact.get());
    target.run(exact.get(), bytes.size());
}

int replay(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: fuzz_replay CORPUS_FOLDER [TARGET]...\n");
        return 2;
    }
    std::size_t inputs = 0, missing = 0;
    for (const Target& target : targets) {
        if (argc > 2 && std::find(argv + 2, argv + argc, target.name) == argv + argc) continue;
        const fs::path folder = fs::path{argv[1]} / target.name;
        const std::vector<fs::path> files = fs::is_directory(folder) ? files_of(folder) : std::vector<fs::path>{};
        if (files.empty()) {
            std::fprintf(stderr, "no inputs for the target %s in %s\n", std::string{target.name}.c_str(), folder.c_str());
            ++missing;
        }
        for (const fs::path& file : files)
            run(target, file);
        inputs += files.size();
    }
    std::printf("%zu inputs replayed\n", inputs);
    return missing == 0 && inputs > 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return replay(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "fuzz_replay: %s\n", e.what());
        return 1;
    }
}
