#include "recovery/pending_hazards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "engine/hazards.h"
#include "engine/introspect.h"
#include "engine/replay.h"
#include "recovery/moved_rows.h"
#include "versions/destructive.h"
#include "versions/schema/names.h"

namespace belay::recovery {
namespace {

using journal::Action;
using journal::PlannedRevision;
using versions::schema::fold;
using versions::schema::Hazard;
using versions::schema::ObjectType;
using versions::schema::Schema;

/// The script fails, or cannot be tried here; anything else is the command's own business. Nobody else has the scratch
/// database open: it is never busy.
bool is_of_a_script(const engine::Error& error) {
  using engine::ErrorCode;
  return error.code() != ErrorCode::interrupted && error.code() != ErrorCode::unavailable;
}

Schema without(const Schema& schema, const std::set<std::string>& tables) {
  Schema::Objects left = schema.objects();
  std::erase_if(left, [&](const auto& object) { return tables.contains(object->table); });
  return Schema(std::move(left));
}

Schema only(const Schema& schema, const std::set<std::string>& tables) {
  Schema::Objects left = schema.objects();
  std::erase_if(left, [&](const auto& object) { return !tables.contains(object->table); });
  return Schema(std::move(left));
}

/// A sentence with other names in it.
std::string in_words_of_now(const std::string& sentence, const std::map<std::string, std::string>& names) {
  std::string result;
  std::string word;
  for (std::size_t i = 0; i <= sentence.size(); ++i) {
    const bool in_word = i < sentence.size() && (std::isalnum(static_cast<unsigned char>(sentence[i])) != 0 ||
                                                 sentence[i] == '_' || (sentence[i] & '\x80') != 0);
    if (in_word) {
      word += sentence[i];
      continue;
    }
    const auto name = names.find(fold(word));
    result += name == names.end() ? word : name->second;
    word.clear();
    if (i < sentence.size()) result += sentence[i];
  }
  return result;
}

class PendingScripts {
 public:
  PendingScripts(const Settings& settings, bool exists, const std::stop_token& stop)
      : places_(settings), replay_(places_.url, settings.version_table) {
    replay_.connection().stop_on(stop);
    if (!exists) return;
    live_ = engine::connect(places_.url, {.lock_timeout = settings.lock_timeout, .read_only = true});
    live_->stop_on(stop);
    now_ = engine::introspect(*live_, engine::own_tables(settings.version_table));
  }

  PendingHazards judge(const std::vector<PlannedRevision>& plan) {
    try {
      replay_.load(now_);
    } catch (const engine::Error& error) {
      return give_up("what is there cannot be made on a scratch database", error);
    }
    moved_ = std::make_unique<MovedRows>(now_);
    for (const auto& revision : plan) {
      if (revision.action != Action::up && revision.action != Action::down) continue;
      try {
        replay_.run(revision);
      } catch (const engine::Error& error) {
        return give_up(fmt::format("revision {} cannot be tried on a scratch database", revision.revision), error);
      }
      judge(revision);
    }
    return std::move(found_);
  }

 private:
  PendingHazards give_up(const std::string& what, const engine::Error& error);
  void judge(const PlannedRevision& revision);
  void follow(const PlannedRevision& revision);
  void tell(const PlannedRevision& revision, Hazard hazard);
  void tell_news(const PlannedRevision& revision, const Hazard& hazard, const versions::schema::Renames& renames);
  [[nodiscard]] bool is_news(const Hazard& hazard, const versions::schema::Renames& renames);

  Places places_;
  engine::Replay replay_;
  std::unique_ptr<engine::Connection> live_;
  Schema now_;
  std::unique_ptr<MovedRows> moved_;
  versions::DestructiveStatements destructive_;
  std::set<std::string> told_;
  PendingHazards found_;
};

PendingHazards PendingScripts::give_up(const std::string& what, const engine::Error& error) {
  if (!is_of_a_script(error)) throw error;
  const auto place = error.line() == 0 ? error.file() : fmt::format("{}:{}", error.file(), error.line());
  found_.not_tried = fmt::format("{}: {}{}", what, error.what(), place.empty() ? "" : " (" + place + ")");
  return std::move(found_);
}

/// All that lies between the rows of now and what this script leads to; what earlier ones have brought is known. A
/// table that has lost its rows is one thing, another one of its name that comes in its place a second.
void PendingScripts::judge(const PlannedRevision& revision) {
  const auto gone_before = moved_->gone();
  follow(revision);
  const auto& to = replay_.schema();
  moved_->end(to);
  std::set<std::string> lost;
  std::ranges::set_difference(moved_->gone(), gone_before, std::inserter(lost, lost.end()));
  const auto renames = moved_->renames();
  for (const auto& hazard : engine::find_hazards({only(now_, lost), without(to, lost), {}, {}}, live_.get())) {
    const bool is_back = to.find(ObjectType::table, hazard.table) != nullptr;
    if (!is_back || hazard.kind != Hazard::Kind::breaks_readers) tell_news(revision, hazard, {});
  }
  const engine::SchemaChange change{without(now_, moved_->gone()), to, renames, moved_->rebuilt()};
  for (const auto& hazard : engine::find_hazards(change, live_.get())) tell_news(revision, hazard, renames);
}

void PendingScripts::tell_news(const PlannedRevision& revision, const Hazard& hazard,
                               const versions::schema::Renames& renames) {
  const bool is_way_back = revision.action == Action::down && hazard.kind == Hazard::Kind::irreversible;
  if (!is_way_back && is_news(hazard, renames)) tell(revision, hazard);
}

/// What it does to tables shows in the schema; rows that it deletes are told by its words.
void PendingScripts::follow(const PlannedRevision& revision) {
  constexpr std::string_view deletes = "deletes from ";
  moved_->begin();
  for (const auto& step : revision.steps)
    for (const auto& statement : step.statements) {
      moved_->look(statement.text);
      const auto found = destructive_.look(statement.text);
      if (!found || !found->starts_with(deletes)) continue;
      Hazard hazard;
      hazard.kind = Hazard::Kind::deletes_data;
      hazard.table = found->substr(deletes.size());
      hazard.message = "the script " + *found;
      const bool of_a_user = !fold(hazard.table).starts_with("sqlite_");
      if (of_a_user) tell(revision, std::move(hazard));
    }
}

void PendingScripts::tell(const PlannedRevision& revision, Hazard hazard) {
  const bool depends = hazard.kind == Hazard::Kind::data_dependent || hazard.kind == Hazard::Kind::lossy_cast;
  const bool may_be_mended = depends && moved_->writes(hazard.table);
  found_.hazards.push_back(
      {.revision = revision.revision, .hazard = std::move(hazard), .may_be_mended = may_be_mended});
}

/// By what the table and the column are called now, so that a later name makes no news of an old hazard.
bool PendingScripts::is_news(const Hazard& hazard, const versions::schema::Renames& renames) {
  if (hazard.kind == Hazard::Kind::rebuild) return true;
  const auto table = versions::schema::old_table(renames, hazard.table);
  const auto column = old_column(renames, hazard.table, hazard.column);
  std::string about = fmt::format("{} {}.{}", name_of(hazard.kind), table, column);
  if (hazard.kind == Hazard::Kind::breaks_readers) about += hazard.column.empty() ? hazard.table : hazard.column;
  if (hazard.kind == Hazard::Kind::data_dependent)
    about += in_words_of_now(hazard.message, {{fold(hazard.table), table}, {fold(hazard.column), column}});
  return told_.insert(fold(about)).second;
}

}  // namespace

PendingHazards find_pending_hazards(const std::vector<PlannedRevision>& plan, const Settings& settings, bool exists,
                                    const std::stop_token& stop) {
  if (plan.empty()) return {};
  return PendingScripts(settings, exists, stop).judge(plan);
}

}  // namespace belay::recovery
