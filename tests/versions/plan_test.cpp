#include "versions/plan.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <string>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "tests/versions/fixtures.h"
#include "tests/versions/random_graph.h"

namespace belay::versions {
namespace {

std::vector<bool> marks(const Graph& graph, std::initializer_list<const char*> ids) {
  std::vector<bool> applied(graph.size());
  for (const char* id : ids) applied[graph.position({id})] = true;
  return applied;
}

std::string ids_of(const Plan& plan) {
  return join(plan.revisions, [](const Script* script) { return script->id.text; });
}

/// a ← b ← c ← d
class PlanOnChain : public testing::Test {
 protected:
  std::string up(std::string_view target, std::initializer_list<const char*> applied = {}) {
    return ids_of(plan_upgrade(graph, marks(graph, applied), target));
  }
  std::string down(std::string_view target, std::initializer_list<const char*> applied) {
    return ids_of(plan_downgrade(graph, marks(graph, applied), target));
  }
  Error up_refusal(std::string_view target, std::initializer_list<const char*> applied = {}) {
    return error_of([&] { up(target, applied); });
  }
  Error down_refusal(std::string_view target, std::initializer_list<const char*> applied) {
    return error_of([&] { down(target, applied); });
  }

  Graph graph{{revision("a"), revision("b", {"a"}), revision("c", {"b"}), revision("d", {"c"})}};
};

/// base ← left ← left2, base ← right
class PlanOnBranches : public PlanOnChain {
 protected:
  PlanOnBranches() {
    graph = Graph(
        {revision("root"), revision("left", {"root"}), revision("right", {"root"}), revision("lefter", {"left"})});
  }
};

TEST_F(PlanOnChain, DirectionIsTheOneAskedFor) {
  EXPECT_EQ(plan_upgrade(graph, marks(graph, {}), "head").direction, Direction::up);
  EXPECT_EQ(plan_downgrade(graph, marks(graph, {"a"}), "base").direction, Direction::down);
}

TEST_F(PlanOnChain, HeadIsEverythingPending) {
  EXPECT_EQ(up("head"), "a b c d");
  EXPECT_EQ(up("head", {"a", "b"}), "c d");
  EXPECT_EQ(up("heads", {"a"}), "b c d");
  EXPECT_EQ(up("head", {"a", "b", "c", "d"}), "");
}

TEST_F(PlanOnChain, RevisionTakesWhatItNeeds) {
  EXPECT_EQ(up("c"), "a b c");
  EXPECT_EQ(up("c", {"a"}), "b c");
  EXPECT_EQ(up("b", {"a", "b", "c"}), "");
}

TEST_F(PlanOnChain, GapIsFilled) {
  EXPECT_EQ(up("head", {"a", "c"}), "b d");
}

TEST_F(PlanOnChain, PlusIsTheNextOnes) {
  EXPECT_EQ(up("+1"), "a");
  EXPECT_EQ(up("+2", {"a"}), "b c");
  EXPECT_EQ(up("+4"), "a b c d");
}

TEST_F(PlanOnChain, PlusPastTheHeadSaysHowManyThereAre) {
  for (const char* target : {"+3", "+18446744073709551615", "+99999999999999999999999"}) {
    const Error error = up_refusal(target, {"a", "b"});
    EXPECT_EQ(error.code(), ErrorCode::bad_target);
    EXPECT_NE(std::string(error.what()).find("2 pending"), std::string::npos) << error.what();
    EXPECT_EQ(error.next(), "belay upgrade head");
  }
}

TEST_F(PlanOnChain, UpgradeRefusesWhatLiesBehind) {
  for (const char* target : {"base", "-1", "+0"}) EXPECT_EQ(up_refusal(target).code(), ErrorCode::bad_target) << target;
  EXPECT_EQ(up_refusal("-1").next(), "belay downgrade -1");
}

TEST_F(PlanOnChain, UnknownTargetIsRefused) {
  for (const char* target : {"x", "", "+", "+a", "current"}) {
    EXPECT_EQ(up_refusal(target).code(), ErrorCode::unknown_revision) << target;
  }
  for (const char* target : {"x", "", "-", "-1x"}) {
    EXPECT_EQ(down_refusal(target, {"a"}).code(), ErrorCode::unknown_revision) << target;
  }
}

TEST_F(PlanOnChain, BaseTakesBackEverythingNewestFirst) {
  EXPECT_EQ(down("base", {"a", "b", "c"}), "c b a");
  EXPECT_EQ(down("base", {}), "");
}

TEST_F(PlanOnChain, MinusTakesBackTheNewest) {
  EXPECT_EQ(down("-1", {"a", "b", "c"}), "c");
  EXPECT_EQ(down("-2", {"a", "b", "c"}), "c b");
}

TEST_F(PlanOnChain, MinusBelowBaseSaysHowManyThereAre) {
  const Error error = down_refusal("-3", {"a", "b"});
  EXPECT_EQ(error.code(), ErrorCode::bad_target);
  EXPECT_NE(std::string(error.what()).find("2 applied"), std::string::npos) << error.what();
  EXPECT_EQ(error.next(), "belay downgrade base");
}

TEST_F(PlanOnChain, RevisionStaysAndWhatDescendsFromItGoes) {
  EXPECT_EQ(down("a", {"a", "b", "c"}), "c b");
  EXPECT_EQ(down("c", {"a", "b", "c"}), "");
}

TEST_F(PlanOnChain, DowngradeRefusesWhatLiesAhead) {
  for (const char* target : {"head", "heads", "+1", "-0", "d"}) {
    EXPECT_EQ(down_refusal(target, {"a", "b", "c"}).code(), ErrorCode::bad_target) << target;
  }
  EXPECT_EQ(down_refusal("d", {"a"}).next(), "belay upgrade d");
}

TEST_F(PlanOnBranches, SeveralHeadsAreNamedWithWhatToDo) {
  for (const char* target : {"head", "+1"}) {
    const Error error = up_refusal(target);
    EXPECT_EQ(error.code(), ErrorCode::several_heads);
    EXPECT_STREQ(error.what(), "there are 2 heads: right, lefter");
    EXPECT_EQ(error.next(), "belay merge -m \"…\" right lefter, or belay upgrade heads");
  }
}

TEST_F(PlanOnBranches, HeadsAreAllOfThem) {
  EXPECT_EQ(up("heads", {"root"}), "left right lefter");
}

TEST_F(PlanOnBranches, OtherBranchStays) {
  EXPECT_EQ(up("lefter"), "root left lefter");
  EXPECT_EQ(down("left", {"root", "left", "lefter", "right"}), "lefter");
  EXPECT_EQ(down("root", {"root", "left", "right"}), "right left");
}

TEST_F(PlanOnBranches, AmbiguousPrefixIsRefused) {
  EXPECT_EQ(up_refusal("lef").code(), ErrorCode::ambiguous_revision);
  EXPECT_EQ(down_refusal("r", {"root"}).code(), ErrorCode::ambiguous_revision);
}

TEST(Plan, WithoutScriptsThereIsNothingToDo) {
  const Graph graph({});
  EXPECT_TRUE(plan_upgrade(graph, {}, "head").revisions.empty());
  EXPECT_TRUE(plan_upgrade(graph, {}, "heads").revisions.empty());
  EXPECT_TRUE(plan_downgrade(graph, {}, "base").revisions.empty());
}

TEST(Plan, RevisionWithoutDownIsNotPassed) {
  Script without = revision("b", {"a"});
  without.down.reset();
  const Graph graph({revision("a"), without, revision("c", {"b"})});
  const Error error = error_of([&graph] { plan_downgrade(graph, {true, true, true}, "-2"); });
  EXPECT_EQ(error.code(), ErrorCode::irreversible);
  EXPECT_STREQ(error.what(), "the revision `b` has no `-- migrate:down` section");
  EXPECT_EQ(error.file(), "b.sql");
  EXPECT_NE(error.next().find("belay stamp"), std::string::npos);
  EXPECT_EQ(ids_of(plan_downgrade(graph, {true, true, true}, "-1")), "c");
}

TEST(Plan, IrreversibleRevisionGivesItsReason) {
  Script final = revision("a");
  final.irreversible = "the data is gone";
  const Graph graph({final});
  const Error error = error_of([&graph] { plan_downgrade(graph, {true}, "base"); });
  EXPECT_EQ(error.code(), ErrorCode::irreversible);
  EXPECT_STREQ(error.what(), "the revision `a` is irreversible: the data is gone");
}

/// Carries the plan out; every revision must find its parents applied and leave none of its children so.
void carry_out(const Graph& graph, const Plan& plan, std::vector<bool>& applied) {
  for (const Script* script : plan.revisions) {
    const std::size_t at = graph.position(script->id);
    const bool up = plan.direction == Direction::up;
    RC_ASSERT(applied[at] != up);
    applied[at] = up;
    for (const std::size_t parent : graph.parents(at)) RC_ASSERT(applied[parent]);
    for (const std::size_t child : graph.children(at)) RC_ASSERT(!applied[child]);
  }
}

RC_GTEST_PROP(Plan, UpToAnyRevisionAndDownToBaseGivesBackTheStart, ()) {
  const Graph graph(random_scripts(1));
  std::vector<bool> applied(graph.size());
  for (int i = 0; i < 3; ++i) {
    const auto target = *rc::gen::inRange<std::size_t>(0, graph.size());
    carry_out(graph, plan_upgrade(graph, applied, graph.scripts()[target].id.text), applied);
    RC_ASSERT(applied[target]);
  }
  carry_out(graph, plan_downgrade(graph, applied, "base"), applied);
  RC_ASSERT(applied == std::vector<bool>(graph.size()));
}

RC_GTEST_PROP(Plan, DownAndUpAgainGivesBackTheStart, ()) {
  const Graph graph(random_scripts(1));
  std::vector<bool> applied(graph.size());
  carry_out(graph, plan_upgrade(graph, applied, "heads"), applied);
  const auto target = *rc::gen::inRange<std::size_t>(0, graph.size());
  const Plan down = plan_downgrade(graph, applied, graph.scripts()[target].id.text);
  carry_out(graph, down, applied);
  RC_ASSERT(applied[target]);
  const Plan up = plan_upgrade(graph, applied, "heads");
  RC_ASSERT(std::vector(up.revisions.rbegin(), up.revisions.rend()) == down.revisions);
}

RC_GTEST_PROP(Plan, AnyNumberTakenBackLeavesParentsApplied, ()) {
  const Graph graph(random_scripts(1));
  std::vector<bool> applied(graph.size());
  carry_out(graph, plan_upgrade(graph, applied, "heads"), applied);
  const auto count = *rc::gen::inRange<std::size_t>(1, graph.size() + 1);
  const Plan plan = plan_downgrade(graph, applied, "-" + std::to_string(count));
  RC_ASSERT(plan.revisions.size() == count);
  carry_out(graph, plan, applied);
}

}  // namespace
}  // namespace belay::versions
