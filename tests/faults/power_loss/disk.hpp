// A disk as a power loss sees it: what is durable, and what may be. Fed with the records of a trace, one after the other.
//
// The rules are those that POSIX promises and no more:
// - the bytes and the size of a file are durable after a sync of that file that succeeded;
// - a name is durable after a sync of its directory that succeeded, and reached only through names that are;
// - whatever was not synced may be there in any part: a write whole, not at all, torn, or by sectors, a size without its bytes
//   (zeros), a name or its removal, each apart from the others. Only the changes of one name keep their order, and a rename is
//   one step, as file systems have it;
// - what a sync that failed was to make durable is lost or not, and no later sync changes that: the system has dropped it;
// - what is written through shared memory (SQLite's -shm) may be anything.
#pragma once

#include "trace.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::power_loss {

using Random = std::mt19937_64;

// What of the unsynced is there after the power loss.
enum class Cut { synced_only, everything, random };

class Disk {
public:
    // Throws std::runtime_error when the record cannot follow those before: the trace has missed something.
    void apply(const Record& record);

    // Makes the directory `into` as the power loss leaves it. Answers which file stands under each name.
    std::map<std::string, std::size_t> materialise(const std::filesystem::path& into, Cut cut, Random& random) const;

    // The bytes of a file as the running program sees them, by the number that materialise gave.
    [[nodiscard]] const std::string& bytes_now(std::size_t file) const { return nodes_.at(file)->now; }

    // Where the whole of what was recorded differs from a directory; empty when the record is complete.
    [[nodiscard]] std::vector<std::string> differences(const std::filesystem::path& from) const;

private:
    struct Node;
    using NodePtr = std::shared_ptr<Node>;

    // Of a file's bytes.
    struct Change {
        bool truncates = false;
        std::uint64_t offset = 0; // of the bytes; the new size
        std::string_view data;
        bool synced = false, doomed = false;
    };
    // Of a directory's names.
    struct NameChange {
        std::string name;
        NodePtr node;           // none: removed
        std::size_t rename = 0; // both changes of a rename have its number; 0: none
        bool synced = false, doomed = false;
    };
    struct Node {
        std::size_t number = 0;
        bool directory = false, mapped = false;
        std::string durable, now;
        std::vector<Change> changes; // since `durable`
        std::map<std::string, NodePtr> durable_names, names;
        std::vector<NameChange> name_changes; // since `durable_names`
    };
    using Plan = std::map<const Node*, std::vector<bool>>; // of each directory: which of its changes are there

    NodePtr make(bool directory, std::uint64_t inode);
    [[nodiscard]] NodePtr find(const std::string& path) const;
    [[nodiscard]] NodePtr find_file(const Record& record) const;
    std::pair<NodePtr, std::string> parent_of(const std::string& path) const;
    void set_name(const std::string& path, const NodePtr& node, std::size_t rename = 0);
    static void apply(std::string& bytes, const Change& change);
    void sync(Node& node, int error);

    [[nodiscard]] Plan plan(Cut cut, Random& random) const;
    void plan_names(const Node& node, Cut cut, Random& random, Plan& plan) const;
    static std::string cut_bytes(const Node& node, Cut cut, Random& random);
    static void apply_sectors(std::string& bytes, const Change& change, Random& random);
    void put(const Node& node, const std::filesystem::path& into, const std::string& name, const Plan& plan, Cut cut, Random& random,
             std::map<std::size_t, std::filesystem::path>& placed, std::map<std::string, std::size_t>& files) const;

    std::vector<NodePtr> nodes_;
    std::map<std::uint64_t, NodePtr> by_inode_;
    NodePtr root_;
    std::size_t renames_ = 0;
};

} // namespace fluxgate::power_loss
