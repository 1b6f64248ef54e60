#include "disk.hpp"

#include <algorithm>
#include <stdexcept>

namespace fluxgate::power_loss {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void missed(const std::string& what) {
    throw std::runtime_error{"the trace has missed something: " + what};
}

} // namespace

Disk::NodePtr Disk::make(bool directory, std::uint64_t inode) {
    NodePtr node = std::make_shared<Node>();
    node->number = nodes_.size();
    node->directory = directory;
    nodes_.push_back(node);
    if (inode != 0) by_inode_[inode] = node;
    return node;
}

Disk::NodePtr Disk::find(const std::string& path) const {
    NodePtr at = root_;
    for (std::size_t begin = 0; at && begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const auto entry = at->names.find(path.substr(begin, end - begin));
        at = entry == at->names.end() ? nullptr : entry->second;
        begin = end + 1;
    }
    if (!at) missed("there is no " + path);
    return at;
}

Disk::NodePtr Disk::find_file(const Record& record) const {
    const auto found = by_inode_.find(record.inode);
    if (found == by_inode_.end() || found->second->directory) missed("nothing made the file of: " + to_text(record));
    return found->second;
}

std::pair<Disk::NodePtr, std::string> Disk::parent_of(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {find(""), path};
    return {find(path.substr(0, slash)), path.substr(slash + 1)};
}

void Disk::set_name(const std::string& path, const NodePtr& node, std::size_t rename) {
    const auto [parent, name] = parent_of(path);
    parent->name_changes.push_back({name, node, rename});
    if (node) {
        parent->names[name] = node;
    } else if (parent->names.erase(name) == 0) {
        missed("there is no " + path);
    }
}

void Disk::apply(std::string& bytes, const Change& change) {
    if (change.truncates) {
        bytes.resize(change.offset);
        return;
    }
    if (bytes.size() < change.offset + change.data.size()) bytes.resize(change.offset + change.data.size());
    bytes.replace(change.offset, change.data.size(), change.data);
}

void Disk::sync(Node& node, int error) {
    const auto mark = [error](auto& changes) {
        bool all = true;
        for (auto& change : changes) {
            if (error != 0) {
                change.doomed = change.doomed || !change.synced;
            } else {
                change.synced = change.synced || !change.doomed;
            }
            all = all && change.synced;
        }
        return all;
    };
    if (mark(node.changes)) {
        node.durable = node.now;
        node.changes.clear();
    }
    if (mark(node.name_changes)) {
        node.durable_names = node.names;
        node.name_changes.clear();
    }
}

void Disk::apply(const Record& record) {
    switch (record.op) {
    case FG_TRACE_HAD_DIRECTORY:
    case FG_TRACE_HAD_FILE: {
        const NodePtr node = make(record.op == FG_TRACE_HAD_DIRECTORY, record.inode);
        node->durable = node->now = record.data;
        if (record.path.empty()) {
            root_ = node;
            return;
        }
        const auto [parent, name] = parent_of(record.path);
        parent->durable_names[name] = parent->names[name] = node;
        return;
    }
    case FG_TRACE_MAKE_DIRECTORY: set_name(record.path, make(true, 0)); return;
    case FG_TRACE_CREATE: set_name(record.path, make(false, record.inode)); return;
    case FG_TRACE_WRITE:
    case FG_TRACE_TRUNCATE: {
        const NodePtr file = find_file(record);
        file->changes.push_back({record.op == FG_TRACE_TRUNCATE, record.offset, record.data});
        apply(file->now, file->changes.back());
        return;
    }
    case FG_TRACE_SYNC: sync(*find_file(record), record.error); return;
    case FG_TRACE_SYNC_DIRECTORY: sync(*find(record.path), record.error); return;
    case FG_TRACE_LINK: set_name(record.path2, find(record.path)); return;
    case FG_TRACE_RENAME: {
        const NodePtr node = find(record.path);
        if (node->directory) missed("a directory was renamed, which is not modelled: " + record.path);
        set_name(record.path2, node, ++renames_);
        set_name(record.path, nullptr, renames_);
        return;
    }
    case FG_TRACE_UNLINK:
    case FG_TRACE_REMOVE_DIRECTORY: set_name(record.path, nullptr); return;
    case FG_TRACE_MAP: find_file(record)->mapped = true; return;
    case FG_TRACE_FAULT: return;
    }
}

std::vector<std::string> Disk::differences(const fs::path& from) const {
    std::vector<std::string> out;
    std::vector<std::pair<const Node*, fs::path>> open{{root_.get(), from}};
    while (!open.empty()) {
        const auto [node, path] = open.back();
        open.pop_back();
        for (const auto& [name, entry] : node->names) {
            const fs::path at = path / name;
            if (!fs::exists(at)) {
                out.push_back(at.string() + " is recorded, but not there");
            } else if (entry->directory) {
                open.emplace_back(entry.get(), at);
            } else if (!entry->mapped && bytes_of(at) != entry->now) {
                out.push_back(at.string() + " has other bytes than were recorded");
            }
        }
        for (const auto& entry : fs::directory_iterator{path})
            if (node->names.count(entry.path().filename().string()) == 0) out.push_back(entry.path().string() + " is there, but not recorded");
    }
    return out;
}

} // namespace fluxgate::power_loss
