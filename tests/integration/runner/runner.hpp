// What the runner's tests share: a sample server, documents for it, the program.
#pragma once

#include "sample_server/server.hpp"
#include "support/process.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fluxgate::test {

inline const std::string token = "Q9-sample-token-for-tests==";

// A sample server with that token; more options may be set before.
std::unique_ptr<sample::Server> start_server(sample::ServerOptions options = {});

// The original documentation's sample document but for host and port.
std::string original_document(std::uint16_t port);

// A pipeline of ours: a key partition on a tag, four partitions, into files below `root`; `more` goes into the source.
std::string files_document(std::uint16_t port, const std::string& root, const std::string& more = {});

// Runs `fluxgate` with the token, and what is given, in the environment.
Finished run_fluxgate(const std::vector<std::string>& arguments, const std::string& directory = ".",
                      const std::map<std::string, std::string>& more = {});
std::unique_ptr<Process> start_fluxgate(const std::vector<std::string>& arguments, const std::string& directory = ".");

// Waits until the server got that many queries; fails after half a minute.
void until_queries(const sample::Server& server, std::uint64_t count);

// The payload of a message's text.
std::string payload_of(const std::string& message);

} // namespace fluxgate::test
