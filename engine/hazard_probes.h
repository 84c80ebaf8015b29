#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/hazard_rows.h"
#include "versions/schema/hazard.h"

namespace belay::engine {

/// A question to the rows of one table.
struct Probe {
  versions::schema::Hazard hazard;  ///< Without what is found out: count, first, message.
  std::string where;                ///< True for the rows that it is about; over StoredRows::from().
  std::string has;                  ///< How the sentence goes on for one row: `3 rows of rooms` + …
  std::string have;                 ///< … and for several.
  std::string none;                 ///< The sentence when it is no row.
  bool told_when_none = true;
};

/// `1 row`, `3 rows`
std::string rows_text(std::int64_t count);
/// ` (rowids 4, 9, …)`; empty when nothing tells the rows apart.
std::string first_text(const versions::schema::Hazard& hazard, bool by_rowid);

/// The keys of the first of these rows, as SQL literals.
/// @param keys  as StoredRows::keys; none for none.
/// @param rows  `FROM … WHERE …`
std::vector<std::string> first_rows(Connection& live, const std::vector<std::string>& keys, const std::string& rows);

/// The rows of one live table, asked. Without a connection there are none.
class RowQuestions {
 public:
  /// @param rows  must outlive this.
  RowQuestions(const TablePair& pair, const StoredRows& rows, Connection* live)
      : pair_(pair), rows_(rows), live_(live), drawn_(drawn_columns(pair)) {}

  /// Asks all of them in one scan, and then for the first rows of those that have any.
  /// @returns the hazards that are worth telling.
  std::vector<versions::schema::Hazard> ask(std::vector<Probe> probes);

  /// The same for rows that share what `keys` say with another row, where `where` is true.
  versions::schema::Hazard ask_duplicates(Probe probe, const std::vector<std::string>& keys);

  /// For what an expression that is evaluated for each row does to the change: nothing, or an error.
  /// @returns the database's words; empty when it can be evaluated.
  std::string failure_of(const std::string& expression, const std::string& where);

  [[nodiscard]] std::int64_t count();

 private:
  std::vector<std::int64_t> counts(const std::vector<Probe>& probes);
  void count_one_by_one(std::vector<Probe>& probes);
  void draw_again(Probe& probe, const std::string& asked, const std::function<std::int64_t()>& count);
  void finish(Probe& probe, const std::string& rows);
  void fail(Probe& probe, const std::string& why);

  const TablePair& pair_;
  const StoredRows& rows_;
  Connection* live_;
  std::set<std::string> drawn_;
};

/// A query that the stop token ends.
std::vector<Row> ask(Connection& live, const std::string& sql);
/// The same for one number.
std::int64_t ask_number(Connection& live, const std::string& sql);

}  // namespace belay::engine
