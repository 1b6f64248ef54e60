// What `/healthz` and `/readyz` answer: whether all is well, and if not, why.
#pragma once

#include "observe/report.hpp"

#include <string>

namespace fluxgate::observe {

struct Verdict {
    bool good = false;
    std::string json; // one object on one line
};

// Not good: a stage needs a person, or a pipeline failed. What is being retried is told, and no reason to be called ill.
//   {"status":"ok"|"retrying"|"failing","reasons":[{"pipeline","stage","level","code","text","since"}]}
[[nodiscard]] Verdict healthz(const Report& report);

// Good: every pipeline runs, and its source has read an answer to its end once (a source that does not count its answers: has
// emitted something, or said that it is well).
//   {"status":"ready"|"waiting","reasons":[{"pipeline","text"}]}
[[nodiscard]] Verdict readyz(const Report& report);

} // namespace fluxgate::observe
