// How long the parts take; `bench/run` has whole commands beside raw SQLite.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "journal/journal.h"
#include "versions/graph.h"
#include "versions/plan.h"

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

}  // namespace
