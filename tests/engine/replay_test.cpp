#include "engine/replay.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/engine/fixture.h"
#include "versions/script.h"

namespace belay::engine {
namespace {

using versions::Graph;
using versions::Script;

versions::Script script(const std::string& id, const std::string& sql) {
  return versions::parse_script("-- revision: " + id + "\n-- parents: base\n-- migrate:up\n" + sql,
                                "versions/" + id + ".sql");
}

/// Scripts in a row, each the parent of the next.
Graph chain(const std::vector<std::string>& sections) {
  std::vector<Script> scripts;
  for (const auto& sql : sections) {
    scripts.push_back(script(std::to_string(1001 + scripts.size()), sql));
    if (scripts.size() > 1) scripts.back().parents = {scripts[scripts.size() - 2].id};
  }
  return Graph(std::move(scripts));
}

std::vector<bool> all(const Graph& graph) {
  return std::vector<bool>(graph.size(), true);
}

class Replaying : public testing::Test {
 protected:
  /// What there is, by name, in the order in which it was made.
  std::string names() {
    std::string text;
    for (const auto& object : scratch.schema().objects()) text += (text.empty() ? "" : " ") + object->name;
    return text;
  }
  /// Each point of the replay, and what was there.
  std::vector<std::string> points_of(const Graph& graph) {
    std::vector<std::string> points;
    replay(scratch, graph, all(graph),
           [&](const ReplayPoint& point) { points.push_back(describe(point) + ": " + names()); });
    return points;
  }

  Replay scratch{{"sqlite", "/nowhere/app.db"}, "belay_version"};
};

TEST_F(Replaying, EachPointHasItsOwnSchema) {
  const Graph graph = chain({"CREATE TABLE a (x);\nCREATE TABLE b (x);", "SELECT 1;", "DROP TABLE a;"});
  EXPECT_EQ(points_of(graph),
            (std::vector<std::string>{"base: ", "revision 1001 after step 1 of 2 (versions/1001.sql:4): a",
                                      "revision 1001: a b", "revision 1002: a b", "revision 1003: b"}));
}

TEST_F(Replaying, AThousandRevisionsTakeWellUnderASecond) {
  std::vector<std::string> sections;
  for (int i = 0; i < 1000; ++i)
    sections.push_back("CREATE TABLE t" + std::to_string(i) +
                       " (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', at TEXT);");
  const Graph graph = chain(sections);
  const auto start = std::chrono::steady_clock::now();
  std::size_t points = 0;
  std::string last;
  replay(scratch, graph, all(graph), [&](const ReplayPoint&) {
    ++points;
    last = scratch.schema().fingerprint();
  });
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  std::printf("%lld ms\n", static_cast<long long>(took.count()));
  EXPECT_EQ(points, 1001U);
}

}  // namespace
}  // namespace belay::engine
