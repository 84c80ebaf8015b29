#include "versions/statement.h"

#include "versions/scanner.h"
#include "versions/splitter.h"

namespace belay::versions {

std::vector<Statement> split_statements(std::string_view sql, int first_line) {
  std::vector<Statement> statements;
  Splitter splitter(sql, first_line);
  for (auto event = splitter.next(); event != Splitter::Event::end; event = splitter.next()) {
    if (event == Splitter::Event::statement) statements.push_back(splitter.statement());
  }
  if (splitter.finish()) statements.push_back(splitter.statement());
  return statements;
}

std::string normalise(std::string_view statement) {
  std::string result;
  result.reserve(statement.size());
  Scanner scanner(statement);
  Token token;
  bool apart = false;
  while (scanner.next(token)) {
    if (token.kind == TokenKind::space || token.kind == TokenKind::line_comment ||
        token.kind == TokenKind::block_comment) {
      apart = true;
      continue;
    }
    if (apart && !result.empty()) result += ' ';
    result += token.text;
    apart = false;
  }
  return result;
}

}  // namespace belay::versions
