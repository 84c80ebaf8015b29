#include "engine/hazard_readers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "versions/schema/names.h"

namespace belay::engine {
namespace {

using versions::schema::fold;
using versions::schema::Hazard;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Rename;
using versions::schema::Table;

class Readers {
 public:
  Readers(const SchemaChange& change, const TablesOf& before, const TablesOf& after)
      : change_(change), before_(before), after_(after) {}

  std::vector<Hazard> all() {
    for (const auto* object : before_.objects()) look_at_table(*object);
    for (const auto& object : change_.from.objects())
      if (object->type == ObjectType::view) look_at_view(*object);
    return std::move(found_);
  }

 private:
  struct Reader {
    std::string title;
    std::set<std::string> names;
  };

  void look_at_table(const Object& object);
  void look_at_view(const Object& object);
  void look_at_columns(const TablePair& pair);
  void tell(const std::string& table, const std::string& column, const std::string& what,
            const std::vector<std::string>& names);
  [[nodiscard]] std::optional<std::string> new_name(const Object& object) const;
  [[nodiscard]] bool exists(std::string_view name) const;
  const std::vector<Reader>& readers();

  const SchemaChange& change_;
  const TablesOf& before_;
  const TablesOf& after_;
  std::vector<Hazard> found_;
  std::optional<std::vector<Reader>> readers_;  // Of the new schema; read when something is gone.
};

bool Readers::exists(std::string_view name) const {
  return after_.find(name) != nullptr || change_.to.find(ObjectType::view, name) != nullptr;
}

/// What a table is called afterwards; nothing when it is not there any more.
std::optional<std::string> Readers::new_name(const Object& object) const {
  for (const auto& rename : change_.renames)
    if (rename.kind == Rename::Kind::table && fold(rename.from) == fold(object.name)) return rename.to;
  if (!exists(object.name)) return std::nullopt;
  return object.name;
}

void Readers::look_at_table(const Object& object) {
  const auto name = new_name(object);
  if (!name) return tell(object.name, "", object.name + " is dropped", {object.name});
  const bool is_renamed = fold(*name) != fold(object.name);
  if (is_renamed && !exists(object.name))
    tell(*name, "", fmt::format("{} is called {}", object.name, *name), {object.name});
  if (!is_renamed && is_unchanged(*name, before_, after_)) return;
  const auto* old = std::get_if<Table>(&object.definition);
  const auto* now = after_.table(*name);
  if (old != nullptr && now != nullptr) look_at_columns({*old, *now, change_.renames});
}

/// A reader of a column names its table, too.
void Readers::look_at_columns(const TablePair& pair) {
  for (const auto& column : pair.before.columns) {
    const auto* successor = pair.successor(column);
    const bool stays = successor != nullptr && fold(successor->name) == fold(column.name);
    if (stays || pair.after.find(column.name) != nullptr) continue;
    const auto what = successor ? fmt::format("{}.{} is called {}", pair.after.name, column.name, successor->name)
                                : fmt::format("{}.{} is dropped", pair.after.name, column.name);
    tell(pair.after.name, successor ? successor->name : column.name, what, {pair.after.name, column.name});
  }
}

void Readers::look_at_view(const Object& object) {
  if (!exists(object.name)) tell(object.name, "", fmt::format("view {} is dropped", object.name), {object.name});
}

void Readers::tell(const std::string& table, const std::string& column, const std::string& what,
                   const std::vector<std::string>& names) {
  std::vector<std::string> left;
  for (const auto& reader : readers()) {
    bool names_all = true;
    for (const auto& name : names) names_all = names_all && reader.names.contains(fold(name));
    if (names_all) left.push_back(reader.title);
  }
  Hazard hazard;
  hazard.kind = Hazard::Kind::breaks_readers;
  hazard.table = table;
  hazard.column = column;
  hazard.message = what + ": whoever reads it by its old name fails";
  if (!left.empty()) hazard.message += fmt::format("; still so in {}", fmt::join(left, ", "));
  found_.push_back(std::move(hazard));
}

const std::vector<Readers::Reader>& Readers::readers() {
  if (readers_) return *readers_;
  readers_.emplace();
  for (const auto& object : change_.to.objects())
    if (object->type == ObjectType::view || object->type == ObjectType::trigger) {
      auto names = names_in(object->sql);
      if (object->type == ObjectType::trigger) names.insert(fold(object->table));
      readers_->push_back({fmt::format("{} {}", name_of(object->type), object->name), std::move(names)});
    }
  return *readers_;
}

}  // namespace

std::vector<Hazard> reader_hazards(const SchemaChange& change, const TablesOf& before, const TablesOf& after) {
  return Readers(change, before, after).all();
}

}  // namespace belay::engine
