// How long the parts take; `bench/run` has whole commands beside raw SQLite.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/connection.h"
#include "engine/replay.h"
#include "engine/schema_migration.h"
#include "engine/transaction.h"
#include "journal/image_batch.h"
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

/// Pages of a table, as far as content goes: rows of numbers and text.
std::string page(std::int64_t number) {
  std::string content;
  for (std::int64_t row = number * 30; content.size() < 4096; ++row)
    content += fmt::format("{:08x} {:6} 2026-11-{:02} delivered by hand to {:x};", row * 2654435761 % 4294967296,
                           row * 7919 % 100000, row % 28 + 1, row * 40503 % 65536);
  content.resize(4096);
  return content;
}

void compress_and_open_images(benchmark::State& state) {
  std::vector<std::string> pages;
  for (std::int64_t i = 0; i < 64; ++i) pages.push_back(page(i));
  const journal::ImageKey key{.transaction = {1}, .batch = 0};
  journal::ImageBatch batch;
  std::string stored;
  std::string raw;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < pages.size(); ++i) batch.add(i + 1, pages[i]);
    stored = batch.seal(key);
    if (state.range(0) != 0) journal::open_images(key, stored, raw);
  }
  state.counters["ratio"] = static_cast<double>(stored.size()) / static_cast<double>(pages.size() * 4096);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pages.size() * 4096));
}
BENCHMARK(compress_and_open_images)->ArgName("open")->Arg(0)->Arg(1);

constexpr std::int64_t captured_rows = 50'000;

/// An UPDATE of every row, through belay's own connection: without before-images, and with them in a journal.
void capture(benchmark::State& state) {
  const Folder folder;
  const auto connection = engine::connect(engine::DatabaseUrl::parse("app.db", folder.path()), {});
  if (state.range(1) != 0) connection->query("PRAGMA journal_mode = WAL");
  connection->query("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, note TEXT)");
  connection->query(
      fmt::format("INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {}) "
                  "SELECT x, x * 7919 % 100000, printf('%08x delivered by hand to %d, %d times', x * 2654435761 % "
                  "4294967296, x % 1000, x % 7) FROM c",
                  captured_rows));
  auto log = journal::Journal::create(folder.path() / "journal.lmdb", "benchmark");
  log.begin({}, {journal::PlannedRevision{}});
  engine::ImagesToJournal images(log);
  for (auto _ : state) {
    const auto begin = log.append(journal::TransactionBegin{});
    if (state.range(0) != 0) connection->capture(&images);
    connection->begin();
    connection->run({"UPDATE t SET n = n + 1", "a.sql", 1}, {});
    connection->commit();
    connection->capture(nullptr);
    state.PauseTiming();
    log.append(journal::TransactionRollback{.begin = begin, .reason = "measured"});  // Its images are let go.
    log.flush();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * captured_rows);
}
BENCHMARK(capture)->ArgNames({"images", "wal"})->ArgsProduct({{0, 1}, {0, 1}})->Unit(benchmark::kMillisecond);

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

void compare_schemas(benchmark::State& state) {
  const auto read = [&](bool desired) {
    engine::Replay replay(sqlite(), "belay_version");
    replay.run("schema.sql", versions::split_statements(schema(state.range(0), desired)));
    return replay.schema();
  };
  const auto from = read(false);
  const auto to = read(true);
  std::size_t differences = 0;
  for (auto _ : state) differences = versions::schema::compare(from, to).size();
  state.counters["differences"] = static_cast<double>(differences);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(compare_schemas)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
