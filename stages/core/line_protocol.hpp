// A message of one row as a line of InfluxDB's line protocol:
//
//   {"properties":{"types":{"_value":"long",...},"groupKey":["_field","_measurement","host"],...},
//    "payload":{"_time":"2026-11-21T10:00:00Z","_value":3,"_field":"count","_measurement":"m","host":"a b"}}
//   ->  m,host=a\ b count=3i 1795255200000000000
//
// The rules are those of a 2.7 server's parser. Tags are the columns of the group key but for _measurement, _field, _start and _stop.
#pragma once

#include <string>
#include <string_view>

namespace fluxgate::core {

// Appends the line with its line feed and answers "", or appends nothing and answers why the row cannot be a line: the message does not
// say its types; a column is missing; line protocol cannot carry a name, a tag value or a null. An absent tag (null) is left out, and a
// null of the type string is the empty string, for a server stores no nulls and sends the empty string as nothing.
[[nodiscard]] std::string append_line(std::string& out, std::string_view message);

} // namespace fluxgate::core
