// bench_floor PORT [default|queries N]: the floor as a program of its own, reading 64 KiB at once or, with `default`, as Beast does by
// itself; with `queries` it sends as many, one after the other.
#include "scenarios.hpp"

#include <cstdlib>
#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
    try {
        using fluxgate::bench::Reads;
        const std::string_view word = argc > 2 ? argv[2] : "";
        const Reads reads = word == "default" ? Reads::as_it_comes : Reads::large;
        fluxgate::bench::Target target;
        if (word == "queries" && argc > 3) target.queries = static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10));
        target.port = static_cast<std::uint16_t>(std::atoi(argc > 1 ? argv[1] : ""));
        std::cout << fluxgate::bench::floor(target, reads).bytes << "\n";
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_floor: " << error.what() << "\n";
        return 1;
    }
}
