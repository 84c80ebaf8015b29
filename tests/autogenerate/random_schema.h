#pragma once

#include <string>
#include <vector>

#include "tests/autogenerate/database.h"
#include "tests/autogenerate/dice.h"
#include "versions/schema/rename.h"

namespace belay::proof {

/// A schema as it is in somebody's head: what things are to each other goes by number, so that everything follows when
/// one of them gets another name. In texts, `{7}` stands for the name of number 7, and `{.}` for one's own.
struct RandomSchema {
  struct Name {
    std::string text;
    std::string spelt;  ///< As SQL, in one of its quotes or none.
  };
  struct Column {
    int number = 0;
    Name name{};
    std::string type{};
    std::string not_null{};  ///< `NOT NULL ON CONFLICT FAIL`; empty without.
    std::string unique{};
    std::string value{};  ///< DEFAULT.
    std::string collation{};
    std::string check{};
    std::string generated{};  ///< The expression, in its parentheses, and STORED if it is.
  };
  struct ForeignKey {
    std::vector<int> columns;
    int parent = 0;
    std::vector<int> parent_columns;
    std::string rules;
  };
  struct Table {
    int number = 0;
    Name name;
    std::vector<Column> columns;
    std::vector<int> key;
    std::string key_rules;      ///< `ON CONFLICT REPLACE`, `AUTOINCREMENT`
    bool key_on_column = true;  ///< Else behind all columns, even if it is one.
    std::vector<std::vector<int>> uniques;
    std::vector<std::string> checks;
    std::vector<ForeignKey> foreign_keys;
    bool strict = false;
    bool without_rowid = false;
    std::string comment;  ///< Somewhere in its text.

    [[nodiscard]] const Column* find(int column) const;
    [[nodiscard]] const Column* find_named(const std::string& wanted) const;
  };
  /// Whatever else: one statement.
  struct Other {
    enum class Kind { virtual_table, index, view, trigger };
    Kind kind = Kind::index;
    int number = 0;
    Name name;
    std::string sql;
    int of = 0;  ///< The table or view of a trigger.
  };
  std::vector<Table> tables;
  std::vector<Other> others;
  int last_number = 0;

  static RandomSchema make(Dice& dice);
  /// One change of a random kind.
  void edit(Dice& dice);

  /// The statements that make it. What SQLite does not take (a view of a column that is gone, …) leaves the schema.
  std::string settle();

  [[nodiscard]] const Table* table(int number) const;
  [[nodiscard]] bool has_name(const std::string& name) const;

 private:
  std::string settle_tables(Database& database);
  std::string settle_others(Database& database);
};

/// What has another name in the second schema, by number: what can be told, because the old name is gone and the new
/// one is new.
versions::schema::Renames renames_between(const RandomSchema& from, const RandomSchema& to);

/// Pieces.
RandomSchema::Name random_name(const RandomSchema& schema, Dice& dice);
RandomSchema::Name random_column_name(const RandomSchema::Table& table, Dice& dice);
RandomSchema::Column random_column(RandomSchema& schema, const RandomSchema::Table& table, Dice& dice);
RandomSchema::Table random_table(RandomSchema& schema, Dice& dice);
RandomSchema::ForeignKey random_foreign_key(const RandomSchema& schema, const RandomSchema::Table& table, Dice& dice);
/// A statement of a kind that fits what is there.
void random_definition(const RandomSchema& schema, RandomSchema::Other& other, Dice& dice);
std::string random_default(Dice& dice);
std::string random_type(bool strict, Dice& dice);
std::string random_check(Dice& dice);
std::string random_generated(const RandomSchema::Table& table, Dice& dice);
std::string random_conflict(Dice& dice);

}  // namespace belay::proof
