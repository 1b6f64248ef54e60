// What happens to body bytes between the HTTP framing and the caller: content coding undone, then handed to the sink, or
// kept up to a bound when the answer is an error. Makes at most about 16 MiB between two returns to the caller.
#pragma once

#include "http/client.hpp"
#include "http/gzip.hpp"
#include "http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::http {

class BodyPath final : public BodyTarget, private GzipDecoder::Target {
public:
    static constexpr std::size_t kBudget = 16u << 20;

    void reset(BodySink& sink, const Limits& limits);

    // Once the header is there. False when the content coding is unknown.
    bool begin(const Head& head);

    // A new turn of the caller: the budget is whole again, and what the decoder still holds is handed on.
    void begin_turn();

    std::size_t on_wire_body(std::string_view bytes) override;

    [[nodiscard]] bool handed_on() const noexcept { return handed_on_; } // something reached the sink in this turn
    [[nodiscard]] bool pending() const noexcept { return gzip_ && decoder_->pending(); }
    [[nodiscard]] bool full() const noexcept { return full_; } // the error body reached its bound
    [[nodiscard]] bool damaged() const noexcept;               // the coding cannot be undone any further
    [[nodiscard]] bool bomb() const noexcept;                  // over the bound of the decompression ratio
    [[nodiscard]] bool mismatch() const noexcept;              // the gzip trailer is wrong
    [[nodiscard]] bool trailing_bound() const noexcept;        // too much follows the gzip data to wait for its end
    [[nodiscard]] std::string coding_problem() const;          // why the content coding did not end well; "" when it did
    [[nodiscard]] const std::string& error_body() const noexcept { return error_body_; }
    [[nodiscard]] std::uint64_t wire_bytes() const noexcept { return wire_bytes_; }
    [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }

private:
    void on_decoded(std::string_view bytes) override;
    void keep_trailing(std::string_view bytes);

    BodySink* sink_ = nullptr;
    std::unique_ptr<GzipDecoder> decoder_; // made when first needed
    bool gzip_ = false;
    bool collect_ = false; // an error body
    bool undecodable_ = false;
    bool full_ = false;
    bool handed_on_ = false;
    Limits limits_;
    std::size_t budget_ = 0;
    std::string error_body_;
    std::string trailing_; // the beginning of what follows the gzip data
    std::uint64_t trailing_bytes_ = 0;
    std::uint64_t wire_bytes_ = 0;
    std::uint64_t body_bytes_ = 0;
};

} // namespace fluxgate::http
