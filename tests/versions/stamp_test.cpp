#include "versions/stamp.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "tests/versions/fixtures.h"

namespace belay::versions {
namespace {

/// a ← b, a ← c
Graph fork() {
  return Graph({revision("a"), revision("b", {"a"}), revision("c", {"a"})});
}

std::vector<Stamp> stamps(std::initializer_list<const char*> ids) {
  std::vector<Stamp> rows;
  for (const std::string id : ids) {
    Stamp stamp;
    stamp.revision = {id};
    stamp.digest = "digest of " + id;
    rows.push_back(stamp);
  }
  return rows;
}

TEST(Applied, MarksRevisionsByPosition) {
  EXPECT_EQ(applied(fork(), stamps({"c", "gone", "a"})), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(applied(fork(), {}), std::vector<bool>(3));
}

TEST(Current, IsWhatNoAppliedChildStandsOn) {
  EXPECT_EQ(ids_of(current(fork(), stamps({"a"}))), "a");
  EXPECT_EQ(ids_of(current(fork(), stamps({"b", "a"}))), "b");
  EXPECT_EQ(ids_of(current(fork(), stamps({"c", "b", "a"}))), "b c");
  EXPECT_EQ(ids_of(current(fork(), {})), "");
}

TEST(Current, StampsWithoutScriptsComeLast) {
  EXPECT_EQ(ids_of(current(fork(), stamps({"z", "a", "y"}))), "a z y");
}

TEST(FindDrift, AgreementIsNone) {
  EXPECT_TRUE(find_drift(fork(), stamps({"a", "b"})).empty());
}

TEST(FindDrift, EditedScriptIsFound) {
  auto rows = stamps({"a", "b"});
  rows[1].digest = "another";
  const auto drift = find_drift(fork(), rows);
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0].kind, Drift::Kind::edited);
  EXPECT_EQ(drift[0].revision.text, "b");
  EXPECT_EQ(drift[0].file, "b.sql");
  EXPECT_EQ(drift[0].message, "the SQL of `b` was edited after it had been applied");
}

TEST(FindDrift, MissingScriptIsFound) {
  const auto drift = find_drift(fork(), stamps({"gone"}));
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0].kind, Drift::Kind::missing);
  EXPECT_TRUE(drift[0].file.empty());
  EXPECT_EQ(drift[0].message, "`gone` is applied, but has no script");
}

TEST(FindDrift, UnappliedParentIsFound) {
  const auto drift = find_drift(fork(), stamps({"c"}));
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0].kind, Drift::Kind::parent_unapplied);
  EXPECT_EQ(drift[0].file, "c.sql");
  EXPECT_EQ(drift[0].message, "`c` is applied, but its parent `a` is not");
}

TEST(FindDrift, OrderIsThatOfTheStamps) {
  const auto drift = find_drift(fork(), stamps({"z", "c", "y"}));
  ASSERT_EQ(drift.size(), 3U);
  EXPECT_EQ(drift[0].revision.text, "z");
  EXPECT_EQ(drift[1].revision.text, "c");
  EXPECT_EQ(drift[2].revision.text, "y");
}

}  // namespace
}  // namespace belay::versions
