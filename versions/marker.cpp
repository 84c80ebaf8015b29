#include "versions/marker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "versions/error.h"
#include "versions/spelling.h"
#include "versions/words.h"

namespace belay::versions {
namespace {

constexpr std::string_view prefix = "migrate:";
constexpr std::array<std::string_view, 4> kind_names = {"up", "down", "verify", "step"};  // In MarkerKind's order.

constexpr std::array<std::string_view, 1> up_options = {"transaction"};
constexpr std::array<std::string_view, 2> down_options = {"transaction", "irreversible"};
constexpr std::array<std::string_view, 7> step_options = {"transaction", "repeatable", "batch", "over",
                                                          "rebuild",     "from",       "to"};

constexpr std::int64_t batch_rows_max = 1'000'000'000;

/// Of Schema::fingerprint_of, in hexadecimal.
constexpr std::size_t fingerprint_digits = 16;

std::span<const std::string_view> options_of(MarkerKind kind) {
  switch (kind) {
    case MarkerKind::up:
      return up_options;
    case MarkerKind::down:
      return down_options;
    case MarkerKind::step:
      return step_options;
    case MarkerKind::verify:
      break;
  }
  return {};
}

[[noreturn]] void fail(int line, const std::string& message, std::string next) {
  throw Error(ErrorCode::malformed, message).at({}, line).next(std::move(next));
}

std::string write_marker(std::string_view kind) {
  return fmt::format("write `-- {}{}`", prefix, kind);
}

/// The text between double quotes, in which a doubled one stands for one. Nothing when it is not one quoted text.
std::optional<std::string> unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  std::string result;
  const std::string_view inner = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '"' && (++i == inner.size() || inner[i] != '"')) return std::nullopt;
    result += inner[i];
  }
  return result;
}

/// A name as SQL writes it: plain, or in double quotes.
std::optional<std::string> unquote_name(std::string_view text) {
  if (text.starts_with('"')) {
    auto name = unquote(text);
    return name && !name->empty() ? name : std::nullopt;
  }
  const auto plain = [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '$' || (c & 0x80) != 0; };
  if (text.empty() || is_digit(text.front()) || !std::ranges::all_of(text, plain)) return std::nullopt;
  return std::string(text);
}

/// Reads what follows the kind on a marker's line.
class OptionReader {
 public:
  OptionReader(MarkerKind kind, int line) : line_(line) { marker_.kind = kind; }

  Marker read(std::string_view text) {
    while (!(text = trim(text)).empty()) {
      const std::size_t length = word_length(text);
      read_word(text.substr(0, length));
      text.remove_prefix(length);
    }
    finish();
    return std::move(marker_);
  }

 private:
  /// Up to the next blank outside double quotes.
  [[nodiscard]] std::size_t word_length(std::string_view text) const {
    bool quoted = false;
    std::size_t length = 0;
    for (; length < text.size() && (quoted || !is_blank(text[length])); ++length) quoted ^= text[length] == '"';
    if (quoted) fail(line_, "a quote on this marker is never closed", "close it with \"");
    return length;
  }

  void read_word(std::string_view word) {
    const std::size_t colon = std::min(word.find_first_of(":\""), word.size());
    const std::string_view key = word.substr(0, colon);
    const bool has_value = colon < word.size() && word[colon] == ':';
    const auto known = options_of(marker_.kind);
    if (std::ranges::find(known, key) == known.end()) return read_other(word, key, has_value);
    if (!has_value || colon + 1 == word.size()) {
      fail(line_, fmt::format("the option `{}` has no value", key), fmt::format("write `{}:VALUE`", key));
    }
    if (std::ranges::find(seen_, key) != seen_.end()) {
      fail(line_, fmt::format("the option `{}` is given twice", key), "remove one of them");
    }
    seen_.push_back(key);
    read_value(key, word.substr(colon + 1));
  }

  /// A word that is no option of this marker: the name of a step, if it may be.
  void read_other(std::string_view word, std::string_view key, bool has_value) {
    const bool may_be_name = marker_.kind == MarkerKind::step && marker_.name.empty() && seen_.empty();
    if (may_be_name && key.size() == word.size()) {
      marker_.name = word;
      return;
    }
    const auto known = options_of(marker_.kind);
    std::string next = "remove it: this marker takes no options";
    if (const std::string meant = nearest(key, known); !meant.empty()) {
      next = fmt::format("did you mean `{}`?", meant);
    } else if (!known.empty()) {
      next = fmt::format("it may have {}", fmt::join(known, ", "));
    }
    fail(line_, fmt::format("`{}` is not an option of `-- {}{}`", has_value ? key : word, prefix, kind_name()), next);
  }

  void read_value(std::string_view key, std::string_view value) {
    if (key == "over") return read_over(value);
    if (key == "rebuild") return read_rebuild(value);
    std::string text(value);
    if (value.find('"') != std::string_view::npos) {
      auto unquoted = unquote(value);
      if (!unquoted)
        fail(line_, fmt::format("the value of `{}` is not one quoted text", key), "write \"\" for a quote in it");
      text = std::move(*unquoted);
    }
    if (key == "transaction") marker_.transactional = read_choice(key, text, {"on", "true"}, {"off", "false"});
    if (key == "repeatable") marker_.repeatable = read_choice(key, text, {"yes"}, {"no"});
    if (key == "batch") read_batch(text);
    if (key == "irreversible") read_irreversible(text);
    if (key == "from") rebuild_.from = read_fingerprint(key, text);
    if (key == "to") rebuild_.to = read_fingerprint(key, text);
  }

  [[nodiscard]] bool read_choice(std::string_view key, std::string_view value,
                                 std::initializer_list<std::string_view> yes,
                                 std::initializer_list<std::string_view> no) const {
    if (std::ranges::find(yes, value) != yes.end()) return true;
    if (std::ranges::find(no, value) != no.end()) return false;
    fail(line_, fmt::format("`{}:{}` makes no sense", key, value),
         fmt::format("write `{0}:{1}` or `{0}:{2}`", key, *yes.begin(), *no.begin()));
  }

  void read_batch(std::string_view value) {
    std::int64_t rows = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rows);
    if (error != std::errc() || end != value.data() + value.size() || rows < 1 || rows > batch_rows_max) {
      fail(line_, fmt::format("`batch:{}` is not a number of rows", value), "write a number from 1 to 1000000000");
    }
    batch_.rows = rows;
  }

  void read_over(std::string_view value) {
    bool quoted = false;
    std::size_t dot = 0;
    for (; dot < value.size() && (quoted || value[dot] != '.'); ++dot) quoted ^= value[dot] == '"';
    const auto table = unquote_name(value.substr(0, dot));
    const auto column = unquote_name(value.substr(std::min(dot + 1, value.size())));
    if (!table || !column) {
      fail(line_, fmt::format("`over:{}` does not name a table and a column", value),
           "write `over:TABLE.COLUMN`, in double quotes where SQL would need them");
    }
    batch_.table = *table;
    batch_.column = *column;
  }

  void read_rebuild(std::string_view value) {
    const auto table = unquote_name(value);
    if (!table) {
      fail(line_, fmt::format("`rebuild:{}` does not name a table", value),
           "write `rebuild:TABLE`, in double quotes where SQL would need them");
    }
    rebuild_.table = *table;
  }

  [[nodiscard]] std::string read_fingerprint(std::string_view key, std::string_view value) const {
    std::string digits(value);
    std::ranges::transform(digits, digits.begin(), to_lower);
    const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    if (digits.size() != fingerprint_digits || !std::ranges::all_of(digits, is_hex)) {
      fail(line_, fmt::format("`{}:{}` is not a fingerprint", key, value),
           fmt::format("write {} hexadecimal digits, or leave `{}:` out", fingerprint_digits, key));
    }
    return digits;
  }

  void read_irreversible(const std::string& reason) {
    if (trim(reason).empty()) fail(line_, "`irreversible` gives no reason", "write `irreversible:\"why\"`");
    marker_.irreversible = reason;
  }

  void finish() {
    const bool batch = batch_.rows != 0;
    const bool over = !batch_.table.empty();
    if (batch != over) {
      fail(line_, fmt::format("`{}` needs `{}`", batch ? "batch" : "over", batch ? "over" : "batch"),
           "write `batch:ROWS over:TABLE.COLUMN`");
    }
    if (batch) marker_.batch = std::move(batch_);
    finish_rebuild();
  }

  void finish_rebuild() {
    if (!rebuild_.table.empty()) {
      if (marker_.batch) {
        fail(line_, "a rebuild is one step and cannot be done in batches", "remove `rebuild`, or `batch` and `over`");
      }
      marker_.rebuild = std::move(rebuild_);
    } else if (!rebuild_.from.empty() || !rebuild_.to.empty()) {
      fail(line_, fmt::format("`{}` needs `rebuild`", rebuild_.from.empty() ? "to" : "from"),
           "write `rebuild:TABLE from:FINGERPRINT to:FINGERPRINT`");
    }
  }

  [[nodiscard]] std::string_view kind_name() const { return kind_names[static_cast<std::size_t>(marker_.kind)]; }

  int line_;
  Marker marker_;
  Batch batch_;
  schema::Rebuild rebuild_;
  std::vector<std::string_view> seen_;
};

std::optional<MarkerKind> kind_of(std::string_view word) {
  const auto* const found = std::ranges::find(kind_names, word);
  if (found == kind_names.end()) return std::nullopt;
  return static_cast<MarkerKind>(found - kind_names.begin());
}

/// `+goose Up` and `+migrate Up`: the section markers of goose and sql-migrate.
void refuse_foreign(std::string_view text, int line) {
  const std::string_view tag = first_word(text);
  const bool goose = equal_ignoring_case(tag, "+goose");
  if (!goose && !equal_ignoring_case(tag, "+migrate")) return;
  const std::string message =
      fmt::format("`-- {}` is a marker of {}, not of belay", text, goose ? "goose" : "sql-migrate");
  const std::string_view word = first_word(trim(text.substr(tag.size())));
  if (equal_ignoring_case(word, "up")) fail(line, message, write_marker("up"));
  if (equal_ignoring_case(word, "down")) fail(line, message, write_marker("down"));
  if (equal_ignoring_case(word, "no")) fail(line, message, write_marker("up transaction:off"));
  fail(line, message, "remove the line: belay finds the end of a statement as SQLite does");
}

/// Whether nothing but options and punctuation follows, as on a marker and not in a sentence.
bool is_options(std::string_view text) {
  while (!(text = trim(text)).empty()) {
    const std::string_view word = first_word(text);
    const bool spoken = std::ranges::any_of(word, [](char c) { return is_letter(c) || is_digit(c); });
    if (spoken && word.find(':') == std::string_view::npos) return false;
    text.remove_prefix(word.size());
  }
  return true;
}

/// Refuses what was meant to be a marker: `migrat:up`, `Migrate : Down`, `migrate up` alone on the line. A sentence
/// that happens to begin with "migrate" is a comment.
void refuse_misspelt(std::string_view text, int line) {
  const auto no_letter = [](char c) { return !is_letter(c); };
  std::string_view rest = text.substr(leading(text, no_letter).size());
  const auto take = [&rest](auto is) {
    const std::string_view taken = leading(rest, is);
    rest.remove_prefix(taken.size());
    return taken;
  };
  const std::string_view head = take(is_letter);
  const std::string_view separator = take(no_letter);
  const std::string_view word = take(is_letter);

  const std::size_t distance = edit_distance(head, "migrate", 2);
  if (distance > 2 && edit_distance(head, "migration", 1) > 1) return;
  const bool exact = distance == 0 && trim(separator).starts_with(':');
  const std::string meant = nearest(word, kind_names);
  const bool marked = separator.ends_with(':') || is_options(rest);
  if (!exact && (meant.empty() || !marked)) return;
  fail(line, fmt::format("`-- {}` is not a marker", text),
       meant.empty() ? "write one of `-- migrate:up`, `-- migrate:down`, `-- migrate:verify`, `-- migrate:step`"
                     : write_marker(meant));
}

}  // namespace

std::optional<Marker> read_marker(std::string_view comment, int line) {
  const std::string_view text = trim(comment.substr(2));
  if (text.starts_with(prefix)) {
    const std::string_view word = first_word(text.substr(prefix.size()));
    const auto kind = kind_of(word);
    if (kind) return OptionReader(*kind, line).read(text.substr(prefix.size() + word.size()));
  }
  refuse_foreign(text, line);
  refuse_misspelt(text, line);
  return std::nullopt;
}

}  // namespace belay::versions
