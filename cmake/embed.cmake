# Writes OUT: a header with each FILE of PAIRS ("symbol=file|symbol=file") as inline constexpr std::string_view.
set(text "#pragma once\n#include <string_view>\nnamespace fluxgate::embedded {\n")
string(REPLACE "|" ";" PAIRS "${PAIRS}")
foreach(pair IN LISTS PAIRS)
  string(REGEX MATCH "^([^=]+)=(.*)$" _ "${pair}")
  set(symbol ${CMAKE_MATCH_1})
  file(READ ${CMAKE_MATCH_2} content)
  # A string literal may be 64 KiB at most by the standard; the schemas stay well below.
  string(APPEND text "inline constexpr std::string_view ${symbol} = R\"fluxgate(${content})fluxgate\";\n")
endforeach()
string(APPEND text "} // namespace fluxgate::embedded\n")
file(WRITE ${OUT} "${text}")
