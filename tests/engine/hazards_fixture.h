#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/hazards.h"
#include "engine/introspect.h"
#include "engine/replay.h"
#include "tests/engine/fixture.h"
#include "tests/engine/raw.h"
#include "versions/statement.h"

namespace belay::engine {

inline versions::schema::Schema schema_of(const std::string& sql) {
  Replay replay({"sqlite", "app.db"}, "belay_version");
  replay.run("schema.sql", versions::split_statements(sql));
  return replay.schema();
}

/// A live database, and what a change would do to it.
class Hazards : public testing::Test {
 protected:
  /// The database, with rows.
  void live(const std::string& sql) const { engine::run(file(), sql); }
  [[nodiscard]] std::string file() const { return folder_ / "app.db"; }

  /// All hazards on the way to the schema that `desired` makes.
  [[nodiscard]] std::vector<versions::schema::Hazard> find(const std::string& desired,
                                                           const versions::schema::Renames& renames = {},
                                                           const std::vector<std::string>& rebuilt = {}) const {
    const auto connection = connect({"sqlite", file()}, {.read_only = true});
    const auto from = introspect(*connection, {});
    return find_hazards({from, schema_of(desired), renames, rebuilt}, connection.get());
  }
  /// The messages of one kind, a line each.
  [[nodiscard]] std::string messages(versions::schema::Hazard::Kind kind, const std::string& desired,
                                     const versions::schema::Renames& renames = {},
                                     const std::vector<std::string>& rebuilt = {}) const {
    std::string text;
    for (const auto& hazard : find(desired, renames, rebuilt))
      if (hazard.kind == kind) text += hazard.message + "\n";
    return text;
  }

 private:
  Folder folder_;
};

}  // namespace belay::engine
