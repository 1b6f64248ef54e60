// What a new document changes of a running one.
#include "scripted.hpp"

#include "runtime/document_diff.hpp"

#include "support/catch.hpp"

using namespace fluxgate;
using runtime::cut_into_branches;
using runtime::same_stage;

namespace {

// "source same; a out1; kept out1" of two graphs: stages that are the same, heads of the branches that go on untouched.
std::string change(const std::string& before, const std::string& after) {
    const test::Bench bench;
    const config::PipelineDocument old_document = bench.graph(before), document = bench.graph(after);
    const runtime::Graph old_graph = cut_into_branches(old_document), graph = cut_into_branches(document);
    const runtime::DocumentDiff what = diff(old_document, old_graph, document, graph);
    std::string out = what.same_source ? "source same;" : "source new;";
    for (const std::string& id : what.same)
        out += " " + id;
    out += "; kept";
    for (std::size_t i = 0; i < graph.branches.size(); ++i) {
        if (!what.kept[i]) continue;
        const std::string& head = document.stages[graph.branches[i].stages.front()].id;
        CHECK(old_document.stages[old_graph.branches[*what.kept[i]].stages.front()].id == head);
        out += " " + head;
    }
    return out;
}

config::StageNode node(const std::string& document) {
    return {"a", "output/script@v1", "", "/stages/a", document, {}};
}

} // namespace

TEST_CASE("a stage is the same whatever is said for people, whoever comes behind, and in whichever order it is written") {
    const std::string settings = R"({"type":"t","rootDirectory":"out","batch":{"time":"5s","path":"."}})";
    CHECK(same_stage(node(settings), node(settings)));
    CHECK(same_stage(node(settings), node(R"({"batch":{"path":".","time":"5s"},"type":"t","displayName":"A","next":["b"],"description":"x",
                                              "rootDirectory":"out"})")));
    CHECK_FALSE(same_stage(node(settings), node(R"({"type":"t","rootDirectory":"out","batch":{"time":"6s","path":"."}})")));
    CHECK_FALSE(same_stage(node(settings), node(R"({"type":"t","rootDirectory":"out"})")));
    config::StageNode other = node(settings);
    other.id = "b";
    CHECK_FALSE(same_stage(node(settings), other));
    other = node(settings);
    other.type = "output/other@v1";
    CHECK_FALSE(same_stage(node(settings), other));
}

TEST_CASE("an equal document keeps every branch") {
    CHECK(change("input>a,out2 a>out1", "input>a,out2 a>out1") == "source same; a out1 out2; kept a out2");
}

TEST_CASE("a changed stage takes its branch and those before it along, but not those behind or beside it") {
    CHECK(change("input>a,out2 a>out1", "input>a,out2 a=2>out1") == "source same; out1 out2; kept out2");
    CHECK(change("input>a,out2 a>out1", "input>a,out2 a>out1 out1=2") == "source same; a out2; kept out2");
    CHECK(change("input>a a>b,out1 b>out2,out3", "input>a a>b,out1 b>out2,out3 out3=2") == "source same; a b out1 out2; kept out2 out1");
    CHECK(change("input>a a>b,out1 b>out2,out3", "input>a a=2>b,out1 b>out2,out3") == "source same; b out1 out2 out3; kept b out2 out3 out1");
}

TEST_CASE("a stage that comes or goes leaves its neighbours the same, though branches are cut anew") {
    CHECK(change("input>a a>out1", "input>a a>out1,out2") == "source same; a out1; kept");
    CHECK(change("input>a,b a>out1 b>out1", "input>a a>out1") == "source same; a out1; kept");
    CHECK(change("input>out1,out2", "input>out2") == "source same; out2; kept out2");
    CHECK(change("input>out1", "input>out2,out1") == "source same; out1; kept out1");
}

TEST_CASE("a changed source changes no stage behind it, but with another number of partitions nothing stays") {
    CHECK(change("input>a a>out1", "input=2>a a>out1") == "source new; a out1; kept a");
    const test::Bench bench;
    const config::PipelineDocument document = bench.graph("input>a a>out1");
    const runtime::Graph graph = cut_into_branches(document);
    const runtime::DocumentDiff none = nothing_stays(diff(document, graph, document, graph));
    CHECK(none.same.empty());
    CHECK(none.kept == std::vector<std::optional<std::size_t>>{std::nullopt});
}
