// How long the parts take; `bench/run` has whole commands beside raw SQLite.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/replay.h"
#include "engine/schema_migration.h"
#include "journal/journal.h"
#include "recovery/schema_file.h"
#include "versions/graph.h"
#include "versions/plan.h"
#include "versions/schema/difference.h"
#include "versions/schema/relevance.h"

namespace {

namespace fs = std::filesystem;
using namespace belay;

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "belay-bench-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

versions::Script script(std::int64_t number) {
  versions::Script result;
  result.id = {fmt::format("{:08}", number)};
  if (number > 0) result.parents = {{fmt::format("{:08}", number - 1)}};
  return result;
}

std::vector<versions::Script> chain(std::int64_t length) {
  std::vector<versions::Script> scripts;
  for (std::int64_t i = 0; i < length; ++i) scripts.push_back(script(i));
  return scripts;
}

void load_scripts(benchmark::State& state) {
  const Folder folder;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    std::ofstream(folder.path() / fmt::format("{:08}_table.sql", i))
        << "-- migrate:up\nCREATE TABLE t" << i << " (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        << "CREATE INDEX t" << i << "_name ON t" << i << " (name);\n-- migrate:down\nDROP TABLE t" << i << ";\n";
  for (auto _ : state) benchmark::DoNotOptimize(versions::load_scripts(folder.path()));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(load_scripts)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

void graph_and_plan(benchmark::State& state) {
  const auto scripts = chain(state.range(0));
  for (auto _ : state) {
    const versions::Graph graph(scripts);
    benchmark::DoNotOptimize(versions::plan_upgrade(graph, std::vector<bool>(graph.size()), "head"));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(graph_and_plan)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void split_a_large_insert(benchmark::State& state) {
  std::string sql = "INSERT INTO t VALUES ('";
  while (sql.size() < static_cast<std::size_t>(state.range(0))) sql += "it''s; a -- b /* c */ ";
  sql += "');";
  for (auto _ : state) benchmark::DoNotOptimize(versions::split_statements(sql));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sql.size()));
}
BENCHMARK(split_a_large_insert)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

void encode_and_decode(benchmark::State& state) {
  const journal::Record record = journal::StepBegin{.ordinal = 7, .step = 3, .slice = journal::Slice{"1", "5000"}};
  for (auto _ : state) benchmark::DoNotOptimize(journal::decode(journal::encode(record)));
}
BENCHMARK(encode_and_decode);

/// One durable flush of so many intents.
void append_and_flush(benchmark::State& state) {
  const Folder folder;
  auto log = journal::Journal::create(folder.path() / "journal.lmdb", "benchmark");
  log.begin({}, {journal::PlannedRevision{}});
  for (auto _ : state) {
    const auto begin = log.append(journal::TransactionBegin{});
    for (std::int64_t i = 0; i < state.range(0); ++i) log.append(journal::StepBegin{});
    log.append(journal::TransactionCommit{.begin = begin});
    log.flush();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append_and_flush)->Arg(1)->Arg(1'000)->Unit(benchmark::kMillisecond);

/// So many tables of seven columns, each with an index and a foreign key to the one before it; a view for every tenth,
/// a trigger for every twentieth. Ten of the tables differ between the two schemas, in what the names of the parts say.
std::string schema(std::int64_t tables, bool desired) {
  std::string sql;
  for (std::int64_t i = 0; i < tables; ++i) {
    const std::int64_t change = i % (tables / 10) == tables / 20 ? i / (tables / 10) : -1;
    const auto changes = [&](std::int64_t what) { return desired && change == what; };
    if (changes(0)) continue;  // A table goes.
    sql += fmt::format(
        "CREATE TABLE t{0} (\n  id INTEGER PRIMARY KEY,\n  code {1} NOT NULL,\n  name TEXT COLLATE NOCASE,\n"
        "  price NUMERIC DEFAULT 0 CHECK (price >= {2}),\n  made TEXT DEFAULT CURRENT_TIMESTAMP,\n{3}"
        "  before INTEGER REFERENCES t{4} (id){5}\n);\nCREATE INDEX t{0}_code ON t{0} (code{6});\n",
        i, changes(1) ? "INTEGER" : "TEXT", changes(2) ? 1 : 0, changes(3) ? "" : "  note,\n", i == 0 ? 0 : i - 1,
        changes(4) ? ",\n  added TEXT" : "", changes(5) ? " DESC" : "");
    if (changes(6)) sql += fmt::format("CREATE UNIQUE INDEX t{0}_name ON t{0} (name);\n", i);
    if (changes(7)) sql += fmt::format("CREATE TABLE new{0} (id INTEGER PRIMARY KEY, a, b);\n", i);
    if (i % 10 == 0) sql += fmt::format("CREATE VIEW v{0} AS SELECT id, code FROM t{0};\n", i);
    if (i % 5 == 0)
      sql += fmt::format("CREATE TRIGGER r{0} AFTER UPDATE ON t{0} BEGIN SELECT {1}; END;\n", i, changes(8) ? 2 : 1);
    if (changes(9)) sql += fmt::format("CREATE VIEW w{0} AS SELECT name FROM t{0};\n", i);
  }
  return sql;
}

const engine::DatabaseUrl& sqlite() {
  static const auto url = engine::DatabaseUrl::parse("app.db", "/");
  return url;
}

/// As `revision --autogenerate` does it: what is new in the desired schema is run, what matters of the present one
/// loaded, the way there found, and the way back; the views and triggers beside it are tried.
void autogenerate(benchmark::State& state) {
  engine::Replay present(sqlite(), "belay_version");
  present.run("present.sql", versions::split_statements(schema(state.range(0), false)));
  const auto current = present.schema();
  const Folder folder;
  std::ofstream(folder.path() / "schema.sql") << schema(state.range(0), true);
  std::size_t steps = 0;
  for (auto _ : state) {
    engine::Replay file(sqlite(), "belay_version");
    const auto desired = recovery::read_schema_file(folder.path() / "schema.sql", file, current).schema;
    const auto [from, to, readers] = versions::schema::relevant_part(current, desired, {});
    engine::Replay others(sqlite(), "belay_version");
    others.load(readers);
    engine::Replay scratch(sqlite(), "belay_version");
    scratch.load(from);
    steps = engine::migrate_schema(scratch, to, {}).size();
    engine::migrate_schema(scratch, from, {});
    if (!versions::schema::compare(scratch.schema(), from).empty()) state.SkipWithError("not the way back");
  }
  state.counters["steps"] = static_cast<double>(steps);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(autogenerate)->Arg(100)->Arg(300)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
