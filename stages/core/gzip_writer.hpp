// One gzip member (RFC 1952), made while its text comes in.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::core {

// Not thread-safe. Memory: about 300 KiB.
class GzipWriter {
public:
    GzipWriter();
    ~GzipWriter();
    GzipWriter(GzipWriter&&) noexcept;
    GzipWriter& operator=(GzipWriter&&) noexcept;

    // Appends what is ready to `out`; some of the text may stay inside for later.
    void add(std::string_view text, std::string& out);
    // Appends the rest and the trailer. Nothing may be added afterwards.
    void end(std::string& out);

private:
    struct Engine;
    void run(std::string_view text, bool last, std::string& out);
    std::unique_ptr<Engine> engine_;
};

} // namespace fluxgate::core
