// The text of a number as a partition key.
#pragma once

#include <string>

namespace fluxgate::partition {

// ECMAScript's Number::toString(value, 10), ECMA-262 section 6.1.6.1.20: the shortest digits that read back as the same
// double; decimal notation from 1e-6 up to, not including, 1e21; "0" for -0. Precondition: finite.
void append_number(std::string& out, double value);

} // namespace fluxgate::partition
