#include "versions/revision_id.h"

#include <gtest/gtest.h>

namespace belay::versions {
namespace {

TEST(RevisionId, LettersDigitsAndThreeSignsAreValid) {
  for (const char* id : {"1", "20261122125453", "ae1027a6acf", "v1.2-rc_3", "HEAD1"}) {
    EXPECT_TRUE(RevisionId::valid(id)) << id;
  }
}

TEST(RevisionId, OtherSignsAreInvalid) {
  for (const char* id : {"", "a b", "a/b", "a:b", "a\n", "é", "a;"}) EXPECT_FALSE(RevisionId::valid(id)) << id;
}

TEST(RevisionId, SignAtTheBeginningIsInvalid) {
  for (const char* id : {"-1", "+1", "_a", ".a"}) EXPECT_FALSE(RevisionId::valid(id)) << id;
}

TEST(RevisionId, WordsOfTargetsAreInvalid) {
  for (const char* id : {"head", "heads", "base", "current"}) EXPECT_FALSE(RevisionId::valid(id)) << id;
}

TEST(RevisionId, SixtyFourCharactersAreTheMost) {
  EXPECT_TRUE(RevisionId::valid(std::string(64, 'a')));
  EXPECT_FALSE(RevisionId::valid(std::string(65, 'a')));
}

}  // namespace
}  // namespace belay::versions
