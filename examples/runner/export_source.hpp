// What an export takes from a document: the connection of its source.
#pragma once

#include "commands.hpp"
#include "config/json_text.hpp"

#include <optional>
#include <string>

namespace fluxgate::runner {

struct ExportSource {
    config::JsonText written; // the source's object as the document has it: references are not resolved, the relationship is not put in
    // As they take effect. The address names its port, so that one server has one.
    std::string address, organization;
};

// Of a document that the host has found valid. None: its source is of another type than input/influxdbv2@v1.
std::optional<ExportSource> export_source_of(const Host& host, const CommonOptions& common, const std::string& document);

} // namespace fluxgate::runner
