// However a schema is spelt, and by whatever ALTERs it is reached, its fingerprint is one; whatever of it changes, it
// is another. On a real SQLite.

#include <gtest/gtest.h>

#include <string>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "tests/versions/random_table.h"
#include "tests/versions/scratch_database.h"
#include "versions/schema/difference.h"

namespace belay::versions::schema {
namespace {

std::string canonical_of(const Schema& schema) {
  std::string text;
  for (const auto& object : schema.objects()) text += object->canonical;
  return text;
}

/// Fails with the first line of difference between the two.
void expect_equal(ScratchDatabase& a, ScratchDatabase& b) {
  RC_ASSERT(canonical_of(a.schema()) == canonical_of(b.schema()));
  RC_ASSERT(a.schema().fingerprint() == b.schema().fingerprint());
  RC_ASSERT(compare(a.schema(), b.schema()).empty());
}

RC_GTEST_PROP(SchemaProperty, AnySpellingHasOneFingerprint, (unsigned seed)) {
  Dice dice(seed);
  const RandomTable table = RandomTable::make(dice);
  ScratchDatabase a(spell(table, dice));
  ScratchDatabase b(spell(table, dice));
  expect_equal(a, b);
}

RC_GTEST_PROP(SchemaProperty, AnyChangeIsAnotherFingerprintAndIsSaid, (unsigned seed)) {
  Dice dice(seed);
  RandomTable table = RandomTable::make(dice);
  const Schema before = schema_of(spell(table, dice));
  const std::string what = table.mutate(dice);
  const Schema after = schema_of(spell(table, dice));
  RC_TAG(what);
  RC_ASSERT(before.fingerprint() != after.fingerprint());
  const auto differences = compare(before, after);
  RC_ASSERT(!differences.empty());
  for (const auto& difference : differences)
    RC_ASSERT(difference.details.empty() == (difference.kind != Difference::Kind::changed));
}

RC_GTEST_PROP(SchemaProperty, NothingIsLeftToRawTokens, (unsigned seed)) {
  Dice dice(seed);
  const Schema schema = schema_of(spell(RandomTable::make(dice), dice));
  RC_ASSERT(schema.objects().size() == 4U);
  for (const auto& object : schema.objects()) RC_ASSERT(!std::holds_alternative<std::monostate>(object->definition));
}

/// SQL that is cut, or of which bytes are other ones: it is understood or it is not.
RC_GTEST_PROP(SchemaProperty, AnythingIsReadAndComparedWithoutAnError, (unsigned seed)) {
  Dice dice(seed);
  std::string sql = spell(RandomTable::make(dice), dice);
  sql = sql.substr(dice.below(sql.size()) / 4, dice.below(sql.size()));
  for (std::size_t i = dice.below(4); i > 0 && !sql.empty(); --i)
    sql[dice.below(sql.size())] = "'\"`[](),;.x0-/*\0"[dice.below(17)];
  const std::string other = sql + dice.one_of(std::vector<std::string>{"", ")", " x", "'"});
  ObjectReader reader;
  const Schema before({reader.read({"table", "t", "t", sql})});
  const Schema after({reader.read({"table", "t", "t", other})});
  RC_ASSERT(compare(before, after).empty() == (before.fingerprint() == after.fingerprint()));
}

RC_GTEST_PROP(SchemaProperty, RenamedTableIsAsIfItHadAlwaysBeenCalledSo, (unsigned seed)) {
  Dice dice(seed);
  RandomTable table = RandomTable::make(dice);
  ScratchDatabase expected(spell(table, dice));
  const std::string name = table.name;
  for (auto* text : {&table.query, &table.trigger_body})
    text->replace(text->find("{" + name + "}"), name.size() + 2, "{before}");
  table.name = "before";
  ScratchDatabase reached(spell(table, dice));
  reached.run("ALTER TABLE before RENAME TO " + spell_name(name, dice));
  expect_equal(reached, expected);
}

RC_GTEST_PROP(SchemaProperty, DroppedColumnIsAsIfItHadNeverBeen, (unsigned seed)) {
  Dice dice(seed);
  RandomTable table = RandomTable::make(dice);
  ScratchDatabase expected(spell(table, dice));
  const auto at = table.key_columns + dice.below(table.columns.size() - table.key_columns + 1);
  const RandomTable::Column extra{.name = "extra", .type = "INT", .not_null = dice.toss(), .value = "7"};
  const bool in_unique = at == 0 || at == table.columns.size();  // SQLite keeps a column that a constraint needs.
  if (in_unique) return;
  table.columns.insert(table.columns.begin() + static_cast<std::ptrdiff_t>(at), extra);
  ScratchDatabase reached(spell(table, dice));
  reached.run("ALTER TABLE " + spell_name(table.name, dice) + " DROP COLUMN " + spell_name("extra", dice));
  expect_equal(reached, expected);
}

RC_GTEST_PROP(SchemaProperty, AddedColumnIsAsIfItHadAlwaysBeenThere, (unsigned seed)) {
  Dice dice(seed);
  RandomTable table = RandomTable::make(dice);
  table.unique_name.clear();
  RandomTable::Column last{.name = "extra", .type = "INT", .not_null = dice.toss(), .value = "7"};
  if (dice.toss()) last.check = "{extra} < 9";
  ScratchDatabase reached(spell(table, dice));
  const std::string column =
      spell_column(last, dice) + " NULL";  // SQLite takes a comment at the end for all that follows.
  reached.run("ALTER TABLE " + spell_name(table.name, dice) + " ADD COLUMN " + column);
  table.columns.push_back(last);
  ScratchDatabase expected(spell(table, dice));
  expect_equal(reached, expected);
}

}  // namespace
}  // namespace belay::versions::schema
