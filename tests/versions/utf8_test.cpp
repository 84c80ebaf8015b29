#include "versions/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace belay::versions {
namespace {

using namespace std::string_literals;

TEST(Utf8, CharactersOfEveryLengthAreGood) {
  EXPECT_EQ(find_bad_utf8(""), std::nullopt);
  EXPECT_EQ(find_bad_utf8("a \x7F \xC2\x80 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"),
            std::nullopt);
  EXPECT_EQ(find_bad_utf8("\xED\x9F\xBF\xEE\x80\x80"), std::nullopt);
}

TEST(Utf8, BadBytesAreFoundWhereTheyBegin) {
  const std::string good = "0123456789é";
  for (const std::string& bad :
       {"\0"s, "\x80"s, "\xC1\xBF"s, "\xC3"s, "\xC3("s, "\xE0\x9F\xBF"s, "\xED\xA0\x80"s, "\xE2\x82"s,
        "\xF0\x8F\xBF\xBF"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xF0\x9F\x98"s, "\xFF"s}) {
    EXPECT_EQ(find_bad_utf8(good + bad), good.size()) << testing::PrintToString(bad);
    EXPECT_EQ(find_bad_utf8((good + bad).append(good)), good.size()) << testing::PrintToString(bad);
  }
}

TEST(Utf8, EveryPlaceInAWordIsLookedAt) {
  for (std::size_t i = 0; i < 24; ++i) {
    std::string text(24, 'a');
    text[i] = '\0';
    EXPECT_EQ(find_bad_utf8(text), i);
    text[i] = '\xFF';
    EXPECT_EQ(find_bad_utf8(text), i);
  }
}

}  // namespace
}  // namespace belay::versions
