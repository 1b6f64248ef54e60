// Loads the installed plugins and lists the stage types they offer; fails when the two core outputs are not among them.
#include <fluxgate/host.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

int main() {
    fluxgate::Host host;
    const fluxgate::LoadReport report = host.load_plugins_in(STAGE_DIRECTORY);
    for (const fluxgate::Error& failure : report.failures)
        std::fprintf(stderr, "consumer: %s\n", failure.text().c_str());
    const auto types = host.stage_types();
    for (const auto& type : types)
        std::printf("%s %s\n", type.name.c_str(), type.version.c_str());
    const auto offered = [&types](const char* name) {
        return std::any_of(types.begin(), types.end(), [name](const fluxgate::StageTypeInfo& type) { return type.name == name; });
    };
    return report.failures.empty() && offered("output/stdout@v1") && offered("output/file@v1") ? 0 : 1;
}
