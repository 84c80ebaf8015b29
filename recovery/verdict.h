#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace belay::recovery {

/// How the journal ends.
enum class Tail : std::uint8_t {
  closed,       ///< With a RunEnd, or it is empty.
  between,      ///< In a run, after a TransactionCommit or TransactionRollback, or before the first transaction.
  inside,       ///< In a transaction whose steps and `last_lsn` commit together.
  alone,        ///< In a step that no transaction can hold, and that may be repeated.
  alone_once,   ///< In a step that no transaction can hold, and that may not; its before-images are kept.
  alone_blind,  ///< The same, without before-images.
  undoing,      ///< In an undo.
  taking_over,  ///< In a run that takes the target as it finds it, before its first transaction has committed.
};
inline constexpr std::array<Tail, 8> tails{Tail::closed,     Tail::between,     Tail::inside,  Tail::alone,
                                           Tail::alone_once, Tail::alone_blind, Tail::undoing, Tail::taking_over};

/// What the target's `last_lsn` says.
enum class Level : std::uint8_t {
  level,     ///< It is the last transaction that the journal knows to have committed; or the run takes it as it is.
  at,        ///< It is the open transaction of the journal; or the one that the open undo leaves in force.
  elsewhere  ///< It is another, or of another database.
};

enum class Verdict : std::uint8_t {
  nothing,    ///< The usual start.
  settle,     ///< Every transaction is accounted for; the run itself has to be finished.
  drop,       ///< The open transaction did not commit, and the target has rolled it back by itself.
  redo,       ///< The open transaction did commit, and only its acknowledgement is missing.
  repeat,     ///< The step may have happened; doing it once more is the same as once.
  undo,       ///< What may have happened of the step is taken back; or, of an undo, what it has not yet taken back.
  undone,     ///< The open undo has taken effect, and only its end is missing.
  take_over,  ///< The run has had no effect: it is carried out again, from its beginning.
  in_doubt,   ///< The step may have happened, and nothing tells.
  refuse      ///< Journal and database do not fit: they were restored, edited or swapped.
};

/// A row of the decision table; without a tail it fits each.
struct Case {
  std::optional<Tail> tail;
  Level level;
  Verdict verdict;
};

/// docs/recovery.md has a paragraph for each row.
inline constexpr std::array<Case, 15> cases{{
    {Tail::closed, Level::level, Verdict::nothing},
    {Tail::between, Level::level, Verdict::settle},
    {Tail::inside, Level::level, Verdict::drop},
    {Tail::alone, Level::level, Verdict::repeat},
    {Tail::alone_once, Level::level, Verdict::undo},
    {Tail::alone_blind, Level::level, Verdict::in_doubt},
    {Tail::undoing, Level::level, Verdict::undo},
    {Tail::inside, Level::at, Verdict::redo},
    {Tail::alone, Level::at, Verdict::redo},
    {Tail::alone_once, Level::at, Verdict::redo},
    {Tail::alone_blind, Level::at, Verdict::redo},
    {Tail::undoing, Level::at, Verdict::undone},
    {Tail::taking_over, Level::level, Verdict::take_over},
    {Tail::taking_over, Level::at, Verdict::redo},
    {std::nullopt, Level::elsewhere, Verdict::refuse},
}};

/// Whether `level` can be: without an open transaction or undo there is none to be at.
consteval bool possible(Tail tail, Level level) {
  return level != Level::at || (tail != Tail::closed && tail != Tail::between);
}

constexpr bool fits(const Case& row, Tail tail, Level level) {
  return row.tail.value_or(tail) == tail && row.level == level;
}

consteval std::size_t rows_that_fit(Tail tail, Level level) {
  std::size_t count = 0;
  for (const auto& row : cases) count += fits(row, tail, level) ? 1 : 0;
  return count;
}

/// Total and unambiguous: exactly one row fits whatever can be found, and none what cannot.
consteval bool table_is_sound() {
  for (const Tail tail : tails)
    for (const Level level : {Level::level, Level::at, Level::elsewhere})
      if (rows_that_fit(tail, level) != (possible(tail, level) ? 1U : 0U)) return false;
  return true;
}
static_assert(table_is_sound());

/// What the table says about evidence that is `possible`.
constexpr Verdict judge(Tail tail, Level level) {
  const auto row = std::ranges::find_if(cases, [&](const Case& one) { return fits(one, tail, level); });
  return cases.at(static_cast<std::size_t>(row - cases.begin())).verdict;  // The table is sound: there is one.
}

constexpr std::string_view name_of(Verdict verdict) {
  constexpr std::array<std::string_view, 10> names{"nothing", "settle", "drop",      "redo",     "repeat",
                                                   "undo",    "undone", "take-over", "in-doubt", "refuse"};
  return names.at(static_cast<std::size_t>(verdict));
}

}  // namespace belay::recovery
