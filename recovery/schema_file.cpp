#include "recovery/schema_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "versions/error.h"
#include "versions/schema/canonical.h"
#include "versions/schema/cursor.h"
#include "versions/schema/names.h"
#include "versions/schema/parser.h"
#include "versions/statement.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using versions::Statement;
using versions::schema::Definition;
using versions::schema::fold;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Schema;

/// What one statement of the file makes.
struct Making {
  ObjectType type = ObjectType::table;
  std::string name;                       ///< Folded, as the next one.
  std::string base;                       ///< What an index or a trigger hangs on.
  std::shared_ptr<const Object> known{};  ///< The same object, if it is known.
  bool run = true;
};

/// Nothing for what is not a plain table, index, view or trigger: then nothing can be told without running everything.
std::optional<Making> making_of(const Definition& definition) {
  if (const auto* table = std::get_if<versions::schema::Table>(&definition))
    return Making{.type = ObjectType::table, .name = fold(table->name), .base = {}};
  if (const auto* index = std::get_if<versions::schema::Index>(&definition))
    return Making{.type = ObjectType::index, .name = fold(index->name), .base = fold(index->table)};
  if (const auto* view = std::get_if<versions::schema::View>(&definition))
    return Making{.type = ObjectType::view, .name = fold(view->name), .base = {}};
  if (const auto* trigger = std::get_if<versions::schema::Trigger>(&definition))
    return Making{.type = ObjectType::trigger, .name = fold(trigger->name), .base = fold(trigger->table)};
  return std::nullopt;
}

bool is_temporary(const std::string& sql) {
  versions::schema::Cursor cursor(sql);
  cursor.skip();
  return cursor.sees_any({"temp", "temporary"});
}

/// Which statements of a file need not be run.
class Shortcut {
 public:
  explicit Shortcut(const Schema& known) {
    for (const auto& object : known.objects()) known_.emplace(key_of(object->type, fold(object->name)), object);
  }

  /// @returns whether it could be told at all.
  bool look_at(const std::vector<Statement>& statements) {
    for (const auto& statement : statements)
      if (!look_at(statement)) return false;
    for (auto& making : makings_) decide(making);
    for (const auto& making : makings_)
      if (making.run && !making.base.empty()) run_base(making.base);
    return true;
  }

  [[nodiscard]] std::vector<Statement> to_run(const std::vector<Statement>& statements) const {
    std::vector<Statement> chosen;
    for (std::size_t i = 0; i < statements.size(); ++i)
      if (makings_[i].run) chosen.push_back(statements[i]);
    return chosen;
  }

  /// What is known, and whatever else was made.
  [[nodiscard]] Schema together_with(const Schema& made) const {
    Schema::Objects objects;
    for (const auto& making : makings_)
      if (making.known) objects.push_back(making.known);
    const Schema taken(objects);
    for (const auto& object : made.objects())
      if (taken.find(object->type, object->name) == nullptr) objects.push_back(object);
    return Schema(std::move(objects));
  }

 private:
  static std::string key_of(ObjectType type, const std::string& name) {
    return static_cast<char>('0' + static_cast<int>(type)) + name;
  }

  /// Two of one name would be an error, or the second one nothing.
  bool look_at(const Statement& statement) {
    const Definition definition = versions::schema::parse_object(statement.text);
    auto making = making_of(definition);
    if (!making || is_temporary(statement.text)) return false;
    const bool is_trigger = making->type == ObjectType::trigger;
    if (!names_.insert((is_trigger ? "trigger " : "") + making->name).second) return false;
    const auto found = known_.find(key_of(making->type, making->name));
    if (found != known_.end() && found->second->canonical == canonical(definition, statement.text))
      making->known = found->second;
    if (making->type == ObjectType::table || making->type == ObjectType::view)
      bases_.emplace(making->name, makings_.size());
    makings_.push_back(std::move(*making));
    return true;
  }

  /// On a table that is not the same, or is not there, an index may not be what it was.
  void decide(Making& making) {
    if (making.known && !making.base.empty()) {
      const auto base = bases_.find(making.base);
      if (base == bases_.end() || !makings_[base->second].known) making.known.reset();
    }
    making.run = !making.known;
  }

  void run_base(const std::string& name) {
    if (const auto base = bases_.find(name); base != bases_.end()) makings_[base->second].run = true;
  }

  std::unordered_map<std::string, std::shared_ptr<const Object>> known_;
  std::unordered_map<std::string, std::size_t> bases_;  // Tables and views of the file.
  std::unordered_set<std::string> names_;
  std::vector<Making> makings_;  // One for each statement.
};

Schema schema_of(const std::string& file, const std::vector<Statement>& statements, engine::Replay& scratch,
                 const Schema& known) {
  Shortcut shortcut(known);
  if (known.empty() || !shortcut.look_at(statements)) {
    scratch.run(file, statements);
    return scratch.schema();
  }
  scratch.run(file, shortcut.to_run(statements));
  return shortcut.together_with(scratch.schema());
}

}  // namespace

SchemaFile read_schema_file(const fs::path& file, engine::Replay& scratch, const Schema& known) {
  std::ifstream stream;
  if (!fs::is_directory(file)) stream.open(file, std::ios::binary);
  if (!stream.is_open())
    throw versions::Error(versions::ErrorCode::unreadable, fmt::format("{} cannot be read", file.string())).at(file);
  SchemaFile read{.text = {std::istreambuf_iterator<char>(stream), {}}, .schema = {}};
  try {
    read.schema = schema_of(file.string(), versions::split_statements(read.text), scratch, known);
  } catch (versions::Error& error) {
    error.at(file, error.line());
    throw;
  } catch (engine::Error& error) {
    if (error.code() != engine::ErrorCode::interrupted) error.next("correct the file");
    throw;
  }
  return read;
}

}  // namespace belay::recovery
