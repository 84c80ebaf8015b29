#include "tests/autogenerate/random_case.h"

#include "tests/autogenerate/random_schema.h"

namespace belay::proof {

Case random_case(const std::vector<std::uint32_t>& numbers) {
  Dice dice(numbers);
  Case it;
  it.rows = dice.below(3) != 0;
  it.seed = dice.below(1000);
  const std::size_t edits = 1 + dice.below(5);
  const bool unrelated = dice.once_in(16);
  RandomSchema schema = RandomSchema::make(dice);
  it.current = schema.settle();
  const RandomSchema from = schema;
  if (unrelated) schema = RandomSchema::make(dice);
  for (std::size_t i = 0; i < edits; ++i) schema.edit(dice);
  it.desired = schema.settle();
  if (!unrelated) it.renames = renames_between(from, schema);
  return it;
}

std::string describe(const Case& it) {
  std::string text = "-- current\n" + it.current + "-- desired\n" + it.desired;
  for (const auto& rename : it.renames)
    text += "-- renamed " + rename.table + (rename.table.empty() ? "" : ".") + rename.from + " to " + rename.to + "\n";
  return text + (it.rows ? "-- rows of seed " + std::to_string(it.seed) + "\n" : "-- no rows\n") + it.insert;
}

}  // namespace belay::proof
