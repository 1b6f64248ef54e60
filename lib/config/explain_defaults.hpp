// Fills an object with the defaults of its schema.
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <vector>

namespace fluxgate::config {

// `pointers` gets the place of each value that was put in, below `pointer`; of an object that was put in whole only its own.
void fill_defaults(rapidjson::Value& object, const rapidjson::Value& schema, const std::string& pointer, std::vector<std::string>& pointers,
                   rapidjson::Document::AllocatorType& allocator);

} // namespace fluxgate::config
