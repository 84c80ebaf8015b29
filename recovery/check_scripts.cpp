#include "recovery/check_scripts.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "versions/error.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using versions::schema::Difference;

void rethrow_interruption(const engine::Error& error) {
  if (error.code() == engine::ErrorCode::interrupted) throw engine::Error(error);
}

Problem replay_problem(const engine::Error& error) {
  return {"replay", place_of(error.file(), error.line()),
          fmt::format("the revisions cannot be run from an empty database: {}", error.what())};
}

std::string read(const fs::path& file) {
  std::ifstream stream;
  if (!fs::is_directory(file)) stream.open(file, std::ios::binary);
  if (!stream.is_open()) throw versions::Error(versions::ErrorCode::unreadable, "it cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

std::string place_of(const std::string& file, int line) {
  return line > 0 ? fmt::format("{}:{}", file, line) : file;
}

std::string count_text(std::size_t count, const char* one, const char* several) {
  return fmt::format("{} {}", count, count == 1 ? one : several);
}

Problem problem_of(const Difference& difference, const std::string& kind, const std::string& wanted,
                   const std::string& found) {
  const std::string object = fmt::format("{} {}", name_of(difference.type), difference.name);
  switch (difference.kind) {
    case Difference::Kind::added:
      return {kind, object, fmt::format("{} is in {}, and not in what {}", object, found, wanted)};
    case Difference::Kind::removed:
      return {kind, object, fmt::format("{} is in what {}, and not in {}", object, wanted, found)};
    case Difference::Kind::changed:
      break;
  }
  return {kind, object,
          fmt::format("{} is another in {} than in what {}: {}", object, found, wanted,
                      fmt::join(difference.details, "; "))};
}

ScriptsCheck::ScriptsCheck(ScriptsToCheck scripts, std::stop_token stop)
    : scripts_(std::move(scripts)), stop_(std::move(stop)) {
  part_.name = "scripts";
  load();
  if (graph_) replay_all();
}

void ScriptsCheck::load() {
  try {
    graph_.emplace(versions::load_scripts(scripts_.versions));
  } catch (const versions::Error& error) {
    if (error.code() == versions::ErrorCode::unreadable) throw;
    part_.problems.push_back({"script", place_of(error.file().string(), error.line()), error.what()});
    return;
  }
  const auto heads = graph_->heads();
  part_.note = fmt::format("{}, {}", count_text(graph_->size(), "revision", "revisions"),
                           count_text(heads.size(), "head", "heads"));
  if (heads.size() < 2) return;
  std::string names;
  for (const auto head : heads) names += (names.empty() ? "" : ", ") + graph_->scripts()[head].id.text;
  part_.problems.push_back({"several-heads", names, fmt::format("there are {} heads: {}", heads.size(), names)});
}

engine::Replay ScriptsCheck::scratch() const {
  engine::Replay replay(scripts_.like, scripts_.version_table, scripts_.ignored);
  replay.connection().stop_on(stop_);
  return replay;
}

void ScriptsCheck::replay_all() {
  try {
    made_ = made_by(std::vector<bool>(graph_->size(), true));
  } catch (const engine::Error& error) {
    rethrow_interruption(error);
    part_.problems.push_back(replay_problem(error));
  }
}

versions::schema::Schema ScriptsCheck::made_by(const std::vector<bool>& chosen) const {
  auto replay = scratch();
  engine::replay(replay, *graph_, chosen);
  return replay.schema();
}

CheckPart ScriptsCheck::schema_file(const fs::path& file) const {
  CheckPart part{.name = "schema.sql", .skipped = true, .note = {}};
  std::error_code none;
  if (!fs::exists(file, none)) {
    part.note = fmt::format("there is no {}", file.filename().string());
    return part;
  }
  try {
    compare_file(file, part);
  } catch (const versions::Error& error) {
    part.problems.push_back({"schema-sql", place_of(file.string(), error.line()), error.what()});
  } catch (const engine::Error& error) {
    rethrow_interruption(error);
    part.problems.push_back({"schema-sql", place_of(error.file(), error.line()), error.what()});
  }
  if (!part.problems.empty()) part.skipped = false;
  return part;
}

void ScriptsCheck::compare_file(const fs::path& file, CheckPart& part) const {
  const auto statements = versions::split_statements(read(file));
  part.note = "nothing is in it yet";
  if (statements.empty()) return;
  auto replay = scratch();
  replay.run(file.string(), statements);
  part.note = "not compared: the revisions cannot be run";
  if (!made_) return;
  part.skipped = false;
  part.note = "compared with what all revisions make";
  for (const auto& difference : compare(*made_, replay.schema()))
    part.problems.push_back(problem_of(difference, "schema-sql", "the revisions make", file.filename().string()));
}

CheckReport check_scripts(const ScriptsToCheck& scripts, const fs::path& schema, const std::stop_token& stop) {
  const ScriptsCheck check(scripts, stop);
  return {{check.part(), check.schema_file(schema)}};
}

}  // namespace belay::recovery
