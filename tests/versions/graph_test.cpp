#include "versions/graph.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "tests/versions/fixtures.h"
#include "tests/versions/random_graph.h"

namespace belay::versions {
namespace {

/// a ← b ← d, a ← c ← d ← e, and f by itself.
Graph diamond() {
  return Graph({revision("a"), revision("b", {"a"}), revision("c", {"a"}), revision("d", {"b", "c"}),
                revision("e", {"d"}), revision("f")});
}

Error refusal_of(std::vector<Script> scripts) {
  return error_of([&scripts] { Graph graph(std::move(scripts)); });
}

TEST(Graph, EmptyGraphHasNoHeads) {
  const Graph graph({});
  EXPECT_EQ(graph.size(), 0U);
  EXPECT_TRUE(graph.heads().empty());
}

TEST(Graph, ParentsStandBeforeTheirChildren) {
  const Graph graph({revision("c", {"b"}), revision("b", {"a"}), revision("x"), revision("a")});
  EXPECT_EQ(ids_of(graph.scripts()), "x a b c");
}

TEST(Graph, EqualsKeepTheGivenOrder) {
  const Graph graph({revision("m", {"z", "y"}), revision("z", {"b"}), revision("y", {"b"}), revision("b")});
  EXPECT_EQ(ids_of(graph.scripts()), "b z y m");
}

TEST(Graph, ParentsAndChildrenAreKnown) {
  const Graph graph = diamond();
  EXPECT_EQ(ids_of(graph, graph.parents(graph.position({"d"}))), "b c");
  EXPECT_EQ(ids_of(graph, graph.children(graph.position({"a"}))), "b c");
  EXPECT_TRUE(graph.parents(graph.position({"f"})).empty());
  EXPECT_EQ(ids_of(graph, graph.heads()), "e f");
}

TEST(Graph, FindsByExactIdOnly) {
  const Graph graph = diamond();
  ASSERT_NE(graph.find({"c"}), nullptr);
  EXPECT_EQ(graph.find({"c"})->id.text, "c");
  EXPECT_EQ(graph.find({"C"}), nullptr);
}

TEST(Graph, AncestorsAndDescendantsIncludeTheStart) {
  const Graph graph = diamond();
  EXPECT_EQ(graph.ancestors({graph.position({"d"})}), (std::vector<bool>{true, true, true, true, false, false}));
  EXPECT_EQ(graph.descendants({graph.position({"c"})}), (std::vector<bool>{false, false, true, true, true, false}));
  EXPECT_EQ(graph.descendants({}), std::vector<bool>(6));
}

TEST(Graph, UnambiguousPrefixIsResolved) {
  const Graph graph({revision("abc"), revision("abd"), revision("x1")});
  EXPECT_EQ(graph.resolve("abd"), 1U);
  EXPECT_EQ(graph.resolve("x"), 2U);
}

TEST(Graph, ExactIdWinsOverALongerOne) {
  const Graph graph({revision("10"), revision("1")});
  EXPECT_EQ(graph.resolve("1"), 1U);
}

TEST(Graph, AmbiguousPrefixNamesWhatFits) {
  const Graph graph({revision("abc"), revision("abd"), revision("b")});
  const Error error = error_of([&graph] { (void)graph.resolve("ab"); });
  EXPECT_EQ(error.code(), ErrorCode::ambiguous_revision);
  EXPECT_STREQ(error.what(), "`ab` may be any of abc, abd");
}

TEST(Graph, AmbiguousPrefixNamesAFew) {
  std::vector<Script> scripts;
  scripts.reserve(100);
  for (int i = 0; i < 100; ++i) scripts.push_back(revision("a" + std::to_string(i)));
  const Graph graph(std::move(scripts));
  const Error error = error_of([&graph] { (void)graph.resolve("a"); });
  EXPECT_STREQ(error.what(), "`a` may be any of a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 90 more");
}

TEST(Graph, UnknownRevisionSuggestsTheNearest) {
  const Graph graph({revision("20261122"), revision("20261123")});
  const Error error = error_of([&graph] { (void)graph.resolve("20261132"); });
  EXPECT_EQ(error.code(), ErrorCode::unknown_revision);
  EXPECT_EQ(error.next(), "did you mean `20261122`?");
}

TEST(Graph, NothingIsNoPrefix) {
  const Graph graph({revision("a")});
  EXPECT_EQ(error_of([&graph] { (void)graph.resolve(""); }).code(), ErrorCode::unknown_revision);
}

TEST(Graph, DuplicateRevisionNamesBothFiles) {
  Script other = revision("a");
  other.file = "other.sql";
  const Error error = refusal_of({revision("a"), revision("b"), other});
  EXPECT_EQ(error.code(), ErrorCode::duplicate_revision);
  EXPECT_EQ(error.file(), "other.sql");
  EXPECT_STREQ(error.what(), "the revision `a` is already in a.sql");
}

TEST(Graph, MissingParentSuggestsTheNearest) {
  const Error error = refusal_of({revision("20261122"), revision("b", {"20261112"})});
  EXPECT_EQ(error.code(), ErrorCode::missing_parent);
  EXPECT_EQ(error.file(), "b.sql");
  EXPECT_STREQ(error.what(), "no script has the id `20261112`, which is a parent of `b`");
  EXPECT_EQ(error.next(), "did you mean `20261122`?");
}

TEST(Graph, MissingParentThatIsLikeNothingSaysWhatToDo) {
  EXPECT_NE(refusal_of({revision("b", {"20261112"})}).next().find("restore"), std::string::npos);
}

TEST(Graph, CycleIsNamedInItsOrder) {
  const Error error = refusal_of({revision("x", {"b"}), revision("base1"), revision("a", {"c", "base1"}),
                                  revision("b", {"a"}), revision("c", {"b"})});
  EXPECT_EQ(error.code(), ErrorCode::cycle);
  EXPECT_STREQ(error.what(), "`b` is its own ancestor: b → a → c → b (each followed by its parent)");
  EXPECT_EQ(error.file(), "b.sql");
}

TEST(Graph, RevisionThatIsItsOwnParentIsACycle) {
  EXPECT_STREQ(refusal_of({revision("a", {"a"})}).what(),
               "`a` is its own ancestor: a → a (each followed by its parent)");
}

TEST(Graph, LongCycleNamesAFew) {
  std::vector<Script> scripts;
  scripts.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    scripts.push_back(revision(std::to_string(i), {std::to_string((i + 1) % 1000).c_str()}));
  }
  const Error error = refusal_of(std::move(scripts));
  EXPECT_STREQ(error.what(),
               "`0` is its own ancestor: 0 → 1 → 2 → 3 → 4 → 5 → 6 → 7 → 8 → 9 → 990 more → 0 "
               "(each followed by its parent)");
}

TEST(Graph, LongChainNeedsNoStack) {
  std::vector<Script> scripts = {revision("0")};
  for (int i = 1; i < 100'000; ++i) scripts.push_back(revision(std::to_string(i), {scripts.back().id.text.c_str()}));
  std::ranges::reverse(scripts);
  const Graph graph(std::move(scripts));
  EXPECT_EQ(ids_of(graph, graph.heads()), "99999");
  EXPECT_EQ(std::ranges::count(graph.ancestors(graph.heads()), true), 100'000);
}

TEST(Graph, RevisionOnManyPathsIsVisitedOnce) {
  std::vector<Script> scripts = {revision("0")};
  for (int i = 0; i < 64; ++i) {
    const std::string n = std::to_string(i);
    scripts.push_back(revision("a" + n, {n.c_str()}));
    scripts.push_back(revision("b" + n, {n.c_str()}));
    scripts.push_back(revision(std::to_string(i + 1), {("a" + n).c_str(), ("b" + n).c_str()}));
  }
  const Graph graph(std::move(scripts));
  EXPECT_EQ(graph.ancestors(graph.heads()), std::vector<bool>(graph.size(), true));
}

/// What the graph must do, quadratically: the first one given whose parents are placed comes next.
std::string order_of(const std::vector<Script>& scripts) {
  std::vector<RevisionId> order;
  std::set<std::string> placed;
  const auto is_placed = [&placed](const RevisionId& id) { return placed.contains(id.text); };
  while (order.size() < scripts.size()) {
    const auto next = std::ranges::find_if(scripts, [&](const Script& script) {
      return !is_placed(script.id) && std::ranges::all_of(script.parents, is_placed);
    });
    placed.insert(next->id.text);
    order.push_back(next->id);
  }
  return ids_of(order);
}

RC_GTEST_PROP(Graph, OrderIsTheFirstPossibleOne, ()) {
  const std::vector<Script> scripts = random_scripts();
  const Graph graph(scripts);
  RC_ASSERT(ids_of(graph.scripts()) == order_of(scripts));
}

RC_GTEST_PROP(Graph, AncestorsAndDescendantsMirrorEachOther, ()) {
  const Graph graph(random_scripts());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto ancestors = graph.ancestors({i});
    for (std::size_t k = 0; k < graph.size(); ++k) RC_ASSERT(ancestors[k] == graph.descendants({k})[i]);
  }
}

}  // namespace
}  // namespace belay::versions
