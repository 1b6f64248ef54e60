#include "config/pipeline_graph.hpp"

#include "config/names.hpp"
#include "config/show.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace fluxgate::config {

namespace {

constexpr std::size_t longest_cycle_shown = 20;

class Graph {
public:
    Graph(const std::vector<GraphVertex>& vertices, Findings& findings)
        : vertices_{vertices}, findings_{findings}, successors_(vertices.size()), meant_(vertices.size()) {}

    void check() {
        resolve();
        for (const GraphVertex& vertex : vertices_)
            check_end(vertex);
        find_cycles();
        find_unreachable();
    }

private:
    struct Arc {
        std::size_t target;
        const std::string* pointer;
    };

    void resolve() {
        std::unordered_map<std::string_view, std::size_t> index;
        std::vector<std::string_view> ids;
        for (std::size_t i = 1; i < vertices_.size(); ++i) {
            index.emplace(vertices_[i].id, i);
            ids.push_back(vertices_[i].id);
        }
        for (std::size_t from = 0; from < vertices_.size(); ++from) {
            std::unordered_set<std::string_view> named;
            for (const GraphEdge& edge : vertices_[from].next) {
                if (!named.insert(edge.target).second) {
                    findings_.error(edge.pointer, "the stage " + quoted(edge.target) + " is named twice; it would receive every message twice");
                } else if (const auto found = index.find(edge.target); found != index.end()) {
                    successors_[from].push_back({found->second, &edge.pointer});
                } else {
                    unknown(from, edge, ids, index);
                }
            }
        }
    }

    void unknown(std::size_t from, const GraphEdge& edge, const std::vector<std::string_view>& ids,
                 const std::unordered_map<std::string_view, std::size_t>& index) {
        if (findings_.full()) return;
        if (edge.target == vertices_[0].id) {
            findings_.error(edge.pointer, "the source " + quoted(edge.target) + " cannot follow a stage");
            return;
        }
        const std::string hint = ids.empty() ? "; \"stages\" is empty" : name_hint(edge.target, ids, "known stages");
        findings_.error(edge.pointer, "there is no stage " + quoted(edge.target) + hint);
        // A stage that a misspelt id means is not called unreachable as well.
        if (const std::string_view near = nearest_name(edge.target, ids); !near.empty()) meant_[from].push_back(index.at(near));
    }

    void check_end(const GraphVertex& vertex) {
        if (!vertex.kind || !vertex.next_known) return;
        const std::string pointer = child(vertex.pointer, "next");
        if (*vertex.kind == FG_KIND_OUTPUT && !vertex.next.empty()) findings_.error(pointer, "an output ends a path; remove its \"next\"");
        if (*vertex.kind != FG_KIND_OUTPUT && vertex.next.empty())
            findings_.error(pointer, "the path ends here, but every path must end in an output; name the stages that follow");
    }

    // Depth first without recursion: a chain may be as long as the document.
    void find_cycles() {
        enum class Colour : char { white, grey, black };
        std::vector<Colour> colours(vertices_.size(), Colour::white);
        struct Frame {
            std::size_t vertex, arc;
        };
        for (std::size_t root = 0; root < vertices_.size(); ++root) {
            if (colours[root] != Colour::white) continue;
            std::vector<Frame> path{{root, 0}};
            colours[root] = Colour::grey;
            while (!path.empty()) {
                const std::size_t at = path.back().vertex;
                if (path.back().arc == successors_[at].size()) {
                    colours[at] = Colour::black;
                    path.pop_back();
                    continue;
                }
                const Arc& arc = successors_[at][path.back().arc++];
                if (colours[arc.target] == Colour::white) {
                    colours[arc.target] = Colour::grey;
                    path.push_back({arc.target, 0});
                } else if (colours[arc.target] == Colour::grey) {
                    const auto begin = std::find_if(path.begin(), path.end(), [&](const Frame& f) { return f.vertex == arc.target; });
                    std::vector<std::size_t> cycle;
                    for (auto it = begin; it != path.end() && cycle.size() <= longest_cycle_shown; ++it)
                        cycle.push_back(it->vertex);
                    report_cycle(cycle, arc);
                    if (findings_.full()) return;
                }
            }
        }
    }

    void report_cycle(const std::vector<std::size_t>& cycle, const Arc& back) {
        std::string text;
        for (std::size_t i = 0; i < std::min(cycle.size(), longest_cycle_shown); ++i)
            text += vertices_[cycle[i]].id + " -> ";
        if (cycle.size() > longest_cycle_shown) text += "... -> ";
        findings_.error(*back.pointer, "the stages form a cycle: " + text + vertices_[back.target].id);
    }

    void find_unreachable() {
        const bool all_known = std::all_of(vertices_.begin(), vertices_.end(), [](const GraphVertex& v) { return v.next_known; });
        if (!all_known) return; // what a malformed "next" means is not known
        std::vector<bool> reached(vertices_.size(), false);
        std::vector<std::size_t> open{0};
        reached[0] = true;
        const auto reach = [&](std::size_t target) {
            if (reached[target]) return;
            reached[target] = true;
            open.push_back(target);
        };
        while (!open.empty()) {
            const std::size_t at = open.back();
            open.pop_back();
            for (const Arc& arc : successors_[at])
                reach(arc.target);
            for (const std::size_t target : meant_[at])
                reach(target);
        }
        for (std::size_t i = 0; i < vertices_.size(); ++i)
            if (!reached[i])
                findings_.error(vertices_[i].pointer,
                                "the stage " + quoted(vertices_[i].id) + " is unreachable: no path leads to it from the source");
    }

    const std::vector<GraphVertex>& vertices_;
    Findings& findings_;
    std::vector<std::vector<Arc>> successors_;
    std::vector<std::vector<std::size_t>> meant_;
};

} // namespace

void check_graph(const std::vector<GraphVertex>& vertices, Findings& findings) {
    if (!vertices.empty()) Graph{vertices, findings}.check();
}

} // namespace fluxgate::config
