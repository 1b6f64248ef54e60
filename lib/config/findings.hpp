// Collects what is wrong with a document: all of it, in document order, each thing once, bounded.
#pragma once

#include "fluxgate/stage.hpp"

#include <rapidjson/document.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

using stage::Violation;

inline constexpr std::size_t max_violations = 1000;

// The pointer of a member or element (RFC 6901: "~" is written ~0 and "/" ~1).
[[nodiscard]] std::string child(std::string_view pointer, std::string_view name);
[[nodiscard]] std::string child(std::string_view pointer, std::size_t index);

class Findings {
public:
    void error(std::string pointer, std::string message) { add({std::move(pointer), std::move(message), false}); }
    void warning(std::string pointer, std::string message) { add({std::move(pointer), std::move(message), true}); }
    void add(Violation violation);
    void add(const std::vector<Violation>& violations, std::string_view pointer_prefix = {});

    // No further violation is kept; looking for more is a waste.
    [[nodiscard]] bool full() const { return kept_.size() >= max_violations; }

    // Whether an error at the pointer or below it was found.
    [[nodiscard]] bool error_within(std::string_view pointer) const;

    // Forgets what lies below the pointer (not at it).
    void forget_below(std::string_view pointer);

    // In the order of `document`: what is missing in an object comes after what is there, equals in the order of their
    // finding. Says so when some were not kept.
    [[nodiscard]] std::vector<Violation> take(const rapidjson::Value& document) &&;

private:
    std::vector<Violation> kept_;
    bool lost_error_ = false, lost_warning_ = false;
};

// Whether one of them is an error.
[[nodiscard]] bool has_error(const std::vector<Violation>& violations);

} // namespace fluxgate::config
