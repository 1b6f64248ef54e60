// The status page: one document with its style and its script inside, and the policy that lets nothing else in.
#pragma once

#include <string>

namespace fluxgate::observe {

[[nodiscard]] const std::string& status_page();
// The Content-Security-Policy for it: only this style and this script (by their SHA-256), only requests back to where it came from.
[[nodiscard]] const std::string& status_page_policy();

} // namespace fluxgate::observe
