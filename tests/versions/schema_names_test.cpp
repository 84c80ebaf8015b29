#include "versions/schema/names.h"

#include <gtest/gtest.h>

namespace belay::versions::schema {
namespace {

TEST(Globs, StandForNamesInAnyCase) {
  EXPECT_TRUE(fits_glob("audit", "AUDIT"));
  EXPECT_TRUE(fits_glob("audit_*", "Audit_2026"));
  EXPECT_TRUE(fits_glob("audit_*", "audit_"));
  EXPECT_FALSE(fits_glob("audit_*", "audits"));
  EXPECT_FALSE(fits_glob("audit", "audit_log"));
  EXPECT_FALSE(fits_glob("audit", ""));
}

TEST(Globs, MayHaveSeveralStars) {
  EXPECT_TRUE(fits_glob("*_log_*", "a_log_b_log_c"));
  EXPECT_TRUE(fits_glob("a*b*c", "aXbXbc"));
  EXPECT_FALSE(fits_glob("a*b*c", "aXbXcd"));
  EXPECT_TRUE(fits_glob("**", ""));
  EXPECT_FALSE(fits_glob("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));  // In time.
}

TEST(Globs, AQuestionMarkIsOneCharacterOfAnyLength) {
  EXPECT_TRUE(fits_glob("t?", "t1"));
  EXPECT_TRUE(fits_glob("t?", "té"));
  EXPECT_TRUE(fits_glob("*?日", "x本日"));
  EXPECT_FALSE(fits_glob("t??", "té"));
  EXPECT_FALSE(fits_glob("t?", "t"));
}

TEST(Globs, EverythingElseMeansItself) {
  EXPECT_TRUE(fits_glob("a[b].c", "a[b].c"));
  EXPECT_FALSE(fits_glob("[ab]", "a"));
  EXPECT_FALSE(fits_glob("größe", "grÖße"));  // Letters beyond ASCII are what they are, as in SQLite.
}

}  // namespace
}  // namespace belay::versions::schema
