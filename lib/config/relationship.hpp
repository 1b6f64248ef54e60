// A service's address and credentials as a hosting platform puts them into the environment.
//
// Two forms, as Platform.sh and Upsun give them (their pages on InfluxDB and on variables, read in November 2026):
//   PLATFORM_RELATIONSHIPS, or any variable that ends in _RELATIONSHIPS: base64 of a JSON object; a member is named like the relationship
//   and lists its endpoints: {"influxdb": [{"scheme": "http", "host": "influxdb.internal", "port": 8086, "path": null,
//   "query": {"org": "main", "bucket": "main", "api_token": "..."}, ...}]}. Services before 2.3 have org and api_token beside host.
//   INFLUXDB_HOST, INFLUXDB_PORT, INFLUXDB_SCHEME, INFLUXDB_PATH, INFLUXDB_QUERY: one variable a property, with the relationship's name in
//   upper case and "_" for what is no letter or digit. QUERY is a JSON object, or the same with single quotation marks.
#pragma once

#include "config/reading.hpp"

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::config {

// Every variable of the environment.
using Environment = std::vector<std::pair<std::string, std::string>>;

struct Relationship {
    std::string name; // without the index
    std::string from; // the variable, or "INFLUXDB_HOST and others"
    bool https = false;
    std::string host; // IPv6 without brackets
    std::uint16_t port = 0;
    std::string path; // "" or "/some/path"
    std::string organization, token;
    std::string bucket; // or empty; for people
};

// `wanted` is NAME, or NAME:INDEX for one of several endpoints, from 0. When both forms have it they must agree in host and port.
// Errc::configuration: what was found and what to do; never a value that may be a secret.
[[nodiscard]] Result<Relationship> read_relationship(std::string_view wanted, const Environment& environment);

// The name under which the host asks for the token: "relationship.NAME".
[[nodiscard]] std::string secret_of(const Relationship& relationship);

// What the relationship says about a source of the type input/influxdbv2@v1.
[[nodiscard]] SourcePatch patch_of(const Relationship& relationship);

} // namespace fluxgate::config
