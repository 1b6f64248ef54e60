#include "scripted.hpp"

#include "support/catch.hpp"

using namespace fluxgate;
using fluxgate::runtime::cut_into_branches;

namespace {

// "0:[a b]>1,2 1:[out1]> ..." of a graph, with stage ids.
std::string shape(const std::string& text) {
    const config::PipelineDocument read = test::Bench{}.graph(text);
    const runtime::Graph graph = cut_into_branches(read);
    std::string out = "first";
    for (const std::size_t first : graph.first)
        out += " " + read.stages[graph.branches[first].stages.front()].id;
    for (const runtime::BranchPlan& branch : graph.branches) {
        out += "; ";
        for (const std::size_t stage : branch.stages)
            out += read.stages[stage].id + " ";
        out += ">";
        for (const std::size_t next : branch.next)
            out += " " + read.stages[graph.branches[next].stages.front()].id;
    }
    return out;
}

} // namespace

TEST_CASE("a line of stages is one branch") {
    CHECK(shape("input>a a>b b>out") == "first a; a b out >");
}

TEST_CASE("every successor of the source begins a branch") {
    CHECK(shape("input>a,out1 a>out2") == "first a out1; a out2 >; out1 >");
}

TEST_CASE("a stage with several successors ends a branch, a stage with several predecessors begins one") {
    CHECK(shape("input>a a>b,c b>d c>d d>out") == "first a; a > b c; b > d; d out >; c > d");
}
