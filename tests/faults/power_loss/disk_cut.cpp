// What a power loss leaves of a disk.
#include "disk.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>

namespace fluxgate::power_loss {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t sector = 512;

std::size_t up_to(std::size_t most, Random& random) {
    return std::uniform_int_distribution<std::size_t>{0, most}(random);
}

bool in_percent(unsigned percent, Random& random) {
    return up_to(99, random) < percent;
}

std::string noise(std::size_t size, Random& random) {
    std::string out(size, '\0');
    for (char& c : out)
        c = static_cast<char>(random());
    return out;
}

} // namespace

// Which changes of names are there. Those of one name are there up to some point; where a rename stays within the directory,
// those of all names are.
void Disk::plan_names(const Node& node, Cut cut, Random& random, Plan& plan) const {
    const std::vector<NameChange>& changes = node.name_changes;
    std::vector<bool>& there = plan[&node];
    there.assign(changes.size(), cut == Cut::everything);
    if (cut == Cut::everything) return;
    std::map<std::string, std::vector<std::size_t>> chains;
    std::set<std::size_t> renames;
    bool within = false;
    for (const NameChange& change : changes)
        within = within || (change.rename != 0 && !renames.insert(change.rename).second);
    for (std::size_t i = 0; i < changes.size(); ++i)
        chains[within ? "" : changes[i].name].push_back(i);
    const unsigned mood = cut == Cut::random ? static_cast<unsigned>(up_to(3, random)) : 0; // none, all, each by itself, each by itself
    for (const auto& [name, chain] : chains) {
        std::size_t least = 0;
        for (std::size_t i = 0; i < chain.size(); ++i)
            if (changes[chain[i]].synced) least = i + 1;
        const std::size_t end = mood == 0 ? least : mood == 1 ? chain.size() : least + up_to(chain.size() - least, random);
        for (std::size_t i = 0; i < end; ++i)
            there[chain[i]] = true;
    }
    // Of a rename within the directory the new name stands before the removal of the old one, and neither is without the other.
    for (std::size_t i = 0; i + 1 < changes.size(); ++i)
        if (changes[i].rename != 0 && changes[i].rename == changes[i + 1].rename) there[i + 1] = there[i];
}

Disk::Plan Disk::plan(Cut cut, Random& random) const {
    Plan out;
    for (const NodePtr& node : nodes_)
        if (node->directory) plan_names(*node, cut, random, out);
    // Of a rename between directories the old name goes only where the new one came.
    std::set<std::size_t> gone;
    for (const NodePtr& node : nodes_)
        for (std::size_t i = 0; i < node->name_changes.size(); ++i)
            if (const NameChange& change = node->name_changes[i]; change.rename != 0 && !change.node && out[node.get()][i])
                gone.insert(change.rename);
    for (const NodePtr& node : nodes_)
        for (std::size_t i = 0; i < node->name_changes.size(); ++i)
            if (const NameChange& change = node->name_changes[i]; change.node && gone.count(change.rename) != 0)
                for (std::size_t before = 0; before <= i; ++before)
                    if (node->name_changes[before].name == change.name) out[node.get()][before] = true;
    return out;
}

// Each sector of the write by itself.
void Disk::apply_sectors(std::string& bytes, const Change& change, Random& random) {
    for (std::uint64_t at = change.offset, end = change.offset + change.data.size(); at < end;) {
        const std::uint64_t next = std::min<std::uint64_t>((at / sector + 1) * sector, end);
        if (in_percent(50, random)) apply(bytes, {false, at, change.data.substr(at - change.offset, next - at)});
        at = next;
    }
}

std::string Disk::cut_bytes(const Node& node, Cut cut, Random& random) {
    if (node.mapped) return noise(node.now.size(), random);
    if (cut == Cut::everything) return node.now;
    std::string out = node.durable;
    const auto pending = static_cast<std::size_t>(std::count_if(node.changes.begin(), node.changes.end(), [](const Change& c) { return !c.synced; }));
    enum class Mood { none, all, torn, sectors };
    const Mood mood = cut == Cut::synced_only ? Mood::none : static_cast<Mood>(up_to(3, random));
    const std::size_t tear = mood == Mood::torn && pending > 0 ? up_to(pending - 1, random) : 0;
    std::size_t number = 0;
    for (const Change& change : node.changes) {
        if (change.synced) {
            apply(out, change);
            continue;
        }
        const std::size_t mine = number++;
        if (mood == Mood::all || (mood == Mood::torn && mine < tear)) {
            apply(out, change);
        } else if (mood == Mood::torn && mine == tear && !change.truncates) {
            apply(out, {false, change.offset, change.data.substr(0, up_to(change.data.size(), random))});
        } else if (mood == Mood::sectors) {
            if (!change.truncates) {
                apply_sectors(out, change, random);
            } else if (in_percent(50, random)) {
                apply(out, change);
            }
        }
    }
    // A size of which the bytes did not come.
    if (cut == Cut::random && pending > 0 && out.size() < node.now.size() && in_percent(30, random)) out.resize(node.now.size());
    return out;
}

void Disk::put(const Node& node, const fs::path& into, const std::string& name, const Plan& plan, Cut cut, Random& random,
               std::map<std::size_t, fs::path>& placed, std::map<std::string, std::size_t>& files) const {
    const fs::path path = name.empty() ? into : into / name;
    if (!node.directory) {
        const auto [at, first] = placed.try_emplace(node.number, path);
        if (node.mapped && in_percent(30, random)) return;
        if (first) {
            const std::string bytes = cut_bytes(node, cut, random);
            std::ofstream file{path, std::ios::binary};
            file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            if (!file.flush()) throw std::runtime_error{"cannot write " + path.string()};
        } else {
            fs::create_hard_link(at->second, path);
        }
        files[name] = node.number;
        return;
    }
    fs::create_directories(path);
    std::map<std::string, NodePtr> names = node.durable_names;
    const std::vector<bool>& there = plan.at(&node);
    for (std::size_t i = 0; i < there.size(); ++i) {
        if (!there[i]) continue;
        if (const NameChange& change = node.name_changes[i]; change.node) {
            names[change.name] = change.node;
        } else {
            names.erase(change.name);
        }
    }
    for (const auto& [entry, child] : names)
        put(*child, into, name.empty() ? entry : name + "/" + entry, plan, cut, random, placed, files);
}

std::map<std::string, std::size_t> Disk::materialise(const fs::path& into, Cut cut, Random& random) const {
    std::map<std::string, std::size_t> files;
    std::map<std::size_t, fs::path> placed;
    put(*root_, into, "", plan(cut, random), cut, random, placed, files);
    return files;
}

} // namespace fluxgate::power_loss
