// bench_floor PORT: the floor as a program of its own.
#include "scenarios.hpp"

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
    try {
        fluxgate::bench::Target target;
        target.port = static_cast<std::uint16_t>(std::atoi(argc > 1 ? argv[1] : ""));
        std::cout << fluxgate::bench::floor(target, fluxgate::bench::Reads::large).bytes << "\n";
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_floor: " << error.what() << "\n";
        return 1;
    }
}
