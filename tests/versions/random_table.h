#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace belay::versions::schema {

/// Chances that a property takes. Reproducible by its seed.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }
  bool toss() { return below(2) == 0; }
  template <typename Items>
  const auto& one_of(const Items& items) {
    return items[below(items.size())];
  }
  template <typename Items>
  void shuffle(Items& items) {
    std::shuffle(items.begin(), items.end(), random_);
  }

 private:
  std::mt19937 random_;
};

/// One table with an index, a view and a trigger, as a person would say what they are; SQL is made of it in many
/// spellings. Expressions stand in brackets around names: `{b} > 0`.
struct RandomTable {
  struct Column {
    std::string name = {};
    std::string type = {};
    bool not_null = false;
    bool unique = false;
    std::string collation = {};
    std::string value = {};  ///< DEFAULT.
    std::string check = {};
    std::string parent = {};  ///< REFERENCES.
    std::string on_delete = {};
    bool deferred = false;
    std::string generated = {};
    bool stored = false;
  };
  std::string name;
  std::vector<Column> columns;
  std::size_t key_columns = 0;  ///< So many of the first are the primary key.
  bool autoincrement = false;
  bool without_rowid = false;
  bool strict = false;
  std::string unique_name;  ///< Of a UNIQUE over the first and the last column; empty for none.
  std::string check;        ///< Of the table.

  bool index_unique = false;
  bool index_descending = false;
  std::string index_expression;
  std::string index_condition;
  std::string query;  ///< Of the view.
  std::string trigger_event;
  std::string trigger_body;

  static RandomTable make(Dice& dice);

  /// Changes one thing that counts. @returns what, for the message of a failure.
  std::string mutate(Dice& dice);
};

/// Says it in SQL, in one of many ways.
std::string spell(const RandomTable& table, Dice& dice);
/// Only the definition of one column, as ALTER TABLE … ADD COLUMN takes it.
std::string spell_column(const RandomTable::Column& column, Dice& dice);
std::string spell_name(const std::string& name, Dice& dice);

}  // namespace belay::versions::schema
