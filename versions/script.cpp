#include "versions/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "versions/error.h"
#include "versions/marker.h"
#include "versions/scanner.h"
#include "versions/spelling.h"
#include "versions/splitter.h"
#include "versions/utf8.h"
#include "versions/words.h"

namespace belay::versions {
namespace {

[[noreturn]] void fail(int line, const std::string& message, std::string next = {}) {
  throw Error(ErrorCode::malformed, message).at({}, line).next(std::move(next));
}

/// The comments above the first marker.
struct Header {
  std::optional<RevisionId> revision;
  std::optional<std::vector<RevisionId>> parents;
  std::optional<std::string> message;
  std::optional<std::string> created;
};

RevisionId read_id(std::string_view text, int line) {
  if (!RevisionId::valid(text)) {
    fail(line, fmt::format("`{}` cannot be the id of a revision", text),
         "use 1 to 64 letters, digits, `_`, `-` and `.`, the first a letter or a digit, and not head, heads, base or "
         "current");
  }
  return {std::string(text)};
}

void check_distinct(std::vector<RevisionId> parents, int line) {
  std::ranges::sort(parents);
  const auto twice = std::ranges::adjacent_find(parents);
  if (twice == parents.end()) return;
  fail(line, fmt::format("the parent `{}` is named twice", twice->text), "remove one of them");
}

std::vector<RevisionId> read_parents(std::string_view value, int line) {
  if (value == "base") return {};
  const auto divides = [](char c) { return c == ',' || is_blank(c); };
  std::vector<RevisionId> parents;
  while (!(value = value.substr(leading(value, divides).size())).empty()) {
    const std::string_view word = leading(value, [&](char c) { return !divides(c); });
    value.remove_prefix(word.size());
    parents.push_back(read_id(word, line));
  }
  check_distinct(parents, line);
  return parents;
}

template <typename Value>
void set_once(std::optional<Value>& field, std::string_view key, int line, Value value) {
  if (field) fail(line, fmt::format("the header has `{}:` twice", key), "remove one of them");
  field = std::move(value);
}

void refuse_misspelt_key(std::string_view key, int line) {
  constexpr std::array<std::string_view, 4> keys = {"revision", "parents", "message", "created"};
  for (const std::string_view known : keys) {
    if (edit_distance(key, known, 2) > 2) continue;
    fail(line, fmt::format("`{}:` is not a key of the header", key), fmt::format("write `-- {}: …`", known));
  }
}

/// Reads `key: value`.
/// @returns whether it is a key of ours. Any other comment, but for a key that is nearly ours, says nothing to us.
bool read_header(Header& header, std::string_view comment, int line) {
  const std::string_view text = trim(comment.substr(2));
  const std::string_view key = leading(text, [](char c) { return is_letter(c) || c == '_' || c == '-'; });
  std::string_view value = trim(text.substr(key.size()));
  if (key.empty() || !value.starts_with(':')) return false;
  value = trim(value.substr(1));
  if (key == "revision") {
    set_once(header.revision, key, line, read_id(value, line));
  } else if (key == "parents") {
    set_once(header.parents, key, line, read_parents(value, line));
  } else if (key == "message") {
    set_once(header.message, key, line, std::string(value));
  } else if (key == "created") {
    set_once(header.created, key, line, std::string(value));
  } else {
    refuse_misspelt_key(key, line);
    return false;
  }
  return true;
}

/// Whether the statement has the parameter `:name`.
bool mentions(const Statement& statement, std::string_view name) {
  Scanner scanner(statement.text);
  Token token;
  bool colon = false;
  while (scanner.next(token)) {
    if (colon && token.kind == TokenKind::word && token.text == name) return true;
    colon = token.text == ":";
  }
  return false;
}

/// Reads the text of a script in one pass: each statement goes where the last marker says.
class Reader {
 public:
  explicit Reader(std::string_view text) : splitter_(text) {}

  /// Fills `script` and `header`.
  void read() {
    for (;;) {
      switch (splitter_.next()) {
        case Splitter::Event::statement:
          add(splitter_.statement());
          break;
        case Splitter::Event::comment:
          read_comment(splitter_.comment_line());
          break;
        case Splitter::Event::end:
          close_section();
          if (!seen(MarkerKind::up)) fail(0, "the script has no `-- migrate:up`", "write one above its statements");
          return;
      }
    }
  }

  Script script;
  Header header;

 private:
  void read_comment(int line) {
    if (sections_.empty() && read_header(header, splitter_.comment(), line)) return;
    const auto marker = read_marker(splitter_.comment(), line);
    if (!marker) return;
    if (!splitter_.comment_is_alone()) fail(line, "a marker stands behind a statement", "give it a line of its own");
    if (marker->kind == MarkerKind::step) {
      open_step(*marker, line);
    } else {
      open_section(*marker, line);
    }
  }

  void open_section(const Marker& marker, int line) {
    close_section();
    if (seen(marker.kind)) fail(line, "the script has this section already", "join the two, or remove one");
    sections_.push_back(marker.kind);
    transactional_ = marker.transactional.value_or(true);
    if (marker.kind == MarkerKind::down) script.down.emplace();
    if (marker.irreversible) script.irreversible = marker.irreversible;
  }

  void open_step(const Marker& marker, int line) {
    if (const auto begun = splitter_.unfinished()) {
      fail(line, fmt::format("the statement that began at line {} has no semicolon", *begun), "end it with `;`");
    }
    close_step();
    if (sections_.empty()) fail(line, "a step stands outside of a section", "write `-- migrate:up` above it");
    if (sections_.back() == MarkerKind::verify) fail(line, "`verify` has no steps", "remove the marker");
    const bool transactional = marker.transactional.value_or(transactional_);
    if (marker.repeatable && transactional) {
      fail(line, "`repeatable:yes` is for a step outside a transaction", "add `transaction:off`, or remove it");
    }
    if (marker.batch && !transactional) {
      fail(line, "a batch step commits each slice by itself and cannot be `transaction:off`", "remove one of the two");
    }
    if (marker.rebuild && !transactional) {
      fail(line, "a rebuild outside a transaction could stop half way", "add `transaction:on`, or remove `rebuild`");
    }
    steps().push_back({marker.name, 0, {}, transactional, marker.repeatable, marker.batch, marker.rebuild});
    step_line_ = line;
  }

  void close_section() {
    if (splitter_.finish()) add(splitter_.statement());
    close_step();
    if (script.irreversible && !sections_.empty() && sections_.back() == MarkerKind::down && !script.down->empty()) {
      fail(script.down->front().line, "an irreversible `down` has statements", "remove them, or `irreversible:`");
    }
  }

  void close_step() {
    if (step_line_ == 0) return;
    const int line = std::exchange(step_line_, 0);
    const Step& step = steps().back();
    if (step.statements.empty()) fail(line, "the step is empty", "remove its marker");
    if (!step.batch) return;
    if (step.statements.size() > 1) {
      fail(step.statements[1].line, "a batch step has more than one statement", "give each a step of its own");
    }
    if (!mentions(step.statements.front(), "lo") || !mentions(step.statements.front(), "hi")) {
      fail(step.line, "the statement of a batch step must use :lo and :hi",
           fmt::format("write `WHERE {} BETWEEN :lo AND :hi`", step.batch->column));
    }
  }

  void add(Statement statement) {
    if (sections_.empty()) fail(statement.line, "SQL stands before the first marker", "write `-- migrate:up` above it");
    if (sections_.back() == MarkerKind::verify) {
      script.verify.push_back(std::move(statement));
      return;
    }
    if (step_line_ == 0) steps().push_back({{}, 0, {}, transactional_, false, {}, {}});
    Step& step = steps().back();
    if (step.statements.empty()) step.line = statement.line;
    step.statements.push_back(std::move(statement));
  }

  /// Of the section that is open, which is up or down.
  std::vector<Step>& steps() { return sections_.back() == MarkerKind::up ? script.up : *script.down; }

  [[nodiscard]] bool seen(MarkerKind kind) const { return std::ranges::find(sections_, kind) != sections_.end(); }

  Splitter splitter_;
  std::vector<MarkerKind> sections_;  ///< The last one is open.
  bool transactional_ = true;         ///< As the open section has it.
  int step_line_ = 0;                 ///< Of the marker of the open step; 0 where each statement is a step.
};

void check_utf8(std::string_view text) {
  const auto bad = find_bad_utf8(text);
  if (!bad) return;
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n') + 1;
  fail(static_cast<int>(line), text[*bad] == '\0' ? "the script has a NUL byte" : "the script is not UTF-8",
       "save the file as UTF-8");
}

/// What the file's name says: `20261122125453_add_rooms.sql` is 20261122125453, "add rooms".
struct FileName {
  std::string id;
  std::string message;
};

FileName read_file_name(const std::filesystem::path& file, const std::optional<RevisionId>& revision) {
  const std::string stem = file.stem().string();
  std::string_view rest = stem;
  const std::string_view id = leading(rest, is_digit);
  rest.remove_prefix(revision && rest.starts_with(revision->text) ? revision->text.size() : id.size());
  std::string message(rest);
  std::ranges::replace_if(
      message, [](char c) { return c == '_' || c == '-'; }, ' ');
  return {std::string(id), std::string(trim(message))};
}

/// What the header leaves open comes from the file's name and the file before.
void complete(Script& script, Header header, const std::optional<RevisionId>& previous) {
  FileName name;
  if (!header.revision || !header.message) name = read_file_name(script.file, header.revision);
  if (!header.revision && !RevisionId::valid(name.id)) {
    fail(0, "the script has no id",
         "write `-- revision: ID` at its top, or let the file's name begin with digits, as in "
         "20261122125453_add_rooms.sql");
  }
  script.id = header.revision ? std::move(*header.revision) : RevisionId{std::move(name.id)};
  script.message = header.message ? std::move(*header.message) : std::move(name.message);
  if (header.created) script.created = std::move(*header.created);
  script.parent_by_order = !header.parents;
  if (header.parents) {
    script.parents = std::move(*header.parents);
  } else if (previous) {
    script.parents = {*previous};
  }
}

Script parse(std::string_view text, const std::optional<RevisionId>& previous, const std::filesystem::path& file) {
  check_utf8(text);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Reader reader(text);
  reader.read();
  reader.script.file = file;
  complete(reader.script, std::move(reader.header), previous);
  reader.script.digest = digest_of(reader.script);
  return std::move(reader.script);
}

}  // namespace

Script parse_script(std::string_view text, const std::filesystem::path& file,
                    const std::optional<RevisionId>& previous) {
  try {
    return parse(text, previous, file);
  } catch (Error& error) {
    error.at(file, error.line());
    throw;
  }
}

}  // namespace belay::versions
