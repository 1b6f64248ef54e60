// bench_floor PORT [default]: the floor as a program of its own, reading 64 KiB at once or, with the word, as Beast does by itself.
#include "scenarios.hpp"

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
    try {
        using fluxgate::bench::Reads;
        const Reads reads = argc > 2 ? Reads::as_it_comes : Reads::large;
        fluxgate::bench::Target target;
        target.port = static_cast<std::uint16_t>(std::atoi(argc > 1 ? argv[1] : ""));
        std::cout << fluxgate::bench::floor(target, reads).bytes << "\n";
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_floor: " << error.what() << "\n";
        return 1;
    }
}
