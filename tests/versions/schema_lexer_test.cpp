#include <gtest/gtest.h>

#include <string>
#include <vector>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"

namespace belay::versions::schema {
namespace {

/// The tokens with a space between, each led by the first letter of its kind.
std::string tokens_of(std::string_view sql) {
  constexpr std::string_view letters = "wnsb#v.!";
  std::string text;
  for (const Token& token : lex(sql))
    text += (text.empty() ? "" : " ") + std::string(1, letters[static_cast<std::size_t>(token.kind)]) +
            std::string(token.text);
  return text;
}

TEST(Lexer, WordsAndSymbolsAreCutWhereSqliteCutsThem) {
  EXPECT_EQ(tokens_of("a.b<=c||d->>e->f!=g<>h==i<<1>>2"),
            "wa .. wb .<= wc .|| wd .->> we .-> wf .!= wg .<> wh .== wi .<< #1 .>> #2");
  EXPECT_EQ(tokens_of("_a$1 größe"), "w_a$1 wgröße");
}

TEST(Lexer, CommentsAndWhiteSpaceAreNoTokens) {
  EXPECT_EQ(tokens_of(" a -- b ' \n/* c \" */\f\r\td/*"), "wa wd");
  EXPECT_EQ(tokens_of("1 - -2 a- - b"), "#1 .- .- #2 wa .- .- wb");
}

/// Found by the fuzzer.
TEST(Lexer, VerticalTabIsWhiteSpaceOnlyBehindOther) {
  EXPECT_EQ(tokens_of("a \vb\n\v\vc"), "wa wb wc");
  EXPECT_EQ(tokens_of("a\vb"), "wa !\v wb");
}

TEST(Lexer, ByteOrderMarkIsWhiteSpaceWhereATokenMayBegin) {
  EXPECT_EQ(tokens_of("\xEF\xBB\xBF\xEF\xBB\xBF"
                      "a \xEF\xBB\xBF b"),
            "wa wb");
  EXPECT_EQ(tokens_of("a\xEF\xBB\xBF b \xEF\xBB"), "wa\xEF\xBB\xBF wb w\xEF\xBB");
}

TEST(Lexer, QuotesHoldWhatIsDoubledInThem) {
  EXPECT_EQ(tokens_of("'it''s' \"a\"\"b\" `c``d` [e]] x'0aF' ''"), "s'it''s' n\"a\"\"b\" n`c``d` n[e] !] bx'0aF' s''");
  EXPECT_EQ(unquoted(lex("'it''s'")[0]), "it's");
  EXPECT_EQ(unquoted(lex("[a\"b]")[0]), "a\"b");
  EXPECT_EQ(unquoted(lex("\"\"\"\"")[0]), "\"");
}

TEST(Lexer, NumbersAreWhole) {
  EXPECT_EQ(tokens_of("1 1.5 .5 1. 1e5 1E-5 1.5e+10 0x1F 1..2"), "#1 #1.5 #.5 #1. #1e5 #1E-5 #1.5e+10 #0x1F #1. #.2");
  EXPECT_EQ(tokens_of("1e 12ab 0x"), "!1e !12ab !0x");
}

TEST(Lexer, VariablesAreNamedOrNumbered) {
  EXPECT_EQ(tokens_of("? ?12 :lo @hi $a :"), "v? v?12 v:lo v@hi v$a !:");
}

TEST(Lexer, QuoteThatIsNeverClosedIsIllegalUpToTheEnd) {
  EXPECT_EQ(tokens_of("a 'b c"), "wa !'b c");
  EXPECT_EQ(tokens_of("\"a\"\""), "!\"a\"\"");
}

RC_GTEST_PROP(LexerProperty, AnyTextIsCutWithoutALoss, (const std::string& text)) {
  std::size_t last = 0;
  for (const Token& token : lex(text)) {
    RC_ASSERT(!token.text.empty());
    const auto at = static_cast<std::size_t>(token.text.data() - text.data());
    RC_ASSERT(at >= last);
    last = at + token.text.size();
  }
  RC_ASSERT(last <= text.size());
}

}  // namespace
}  // namespace belay::versions::schema
