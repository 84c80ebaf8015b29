#include "cli/config.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace belay::cli {
namespace {

TEST(HideSecrets, PasswordOfAUrlIsHidden) {
  EXPECT_EQ(hide_secrets("postgresql://user:pw@host:5432/db"), "postgresql://user:***@host:5432/db");
  EXPECT_EQ(hide_secrets("mysql://:pw@host"), "mysql://:***@host");
  EXPECT_EQ(hide_secrets("from a://u:1@h to b://v:2@k, not c"), "from a://u:***@h to b://v:***@k, not c");
}

TEST(HideSecrets, PasswordThatIsNotEncodedIsHidden) {
  EXPECT_EQ(hide_secrets("pg://u:p@ss/w?o#r:d://x@host/db"), "pg://u:***@host/db");
  EXPECT_EQ(hide_secrets("pg://u:12345@host"), "pg://u:***@host");
}

TEST(HideSecrets, ParametersThatSoundSecretAreHidden) {
  EXPECT_EQ(hide_secrets("a://h/db?sslKey=a/b&mode=x&PASSWORD=c=d"), "a://h/db?sslKey=***&mode=x&PASSWORD=***");
  EXPECT_EQ(hide_secrets("host=h password='a b' user=u"), "host=h password=*** user=u");
  EXPECT_EQ(hide_secrets("cmd --api-token=1 --n=2 PGPASSWORD=\"x"), "cmd --api-token=*** --n=2 PGPASSWORD=***");
}

/// A shell takes it for a part of the value.
TEST(HideSecrets, WhatStandsBehindAQuoteIsHiddenAsWell) {
  EXPECT_EQ(hide_secrets("cmd --token=\"a b\"c d=e"), "cmd --token=*** d=e");
}

TEST(HideSecrets, WhatHoldsNoSecretStays) {
  for (const char* text : {"", "sqlite:app.db", "sqlite:///a:b@c.db", "pg://host:5432/db?mail=a@b", "pg://user@host/db",
                           "a@b:c", "no password", "x=y", "password="}) {
    EXPECT_EQ(hide_secrets(text), text);
  }
}

RC_GTEST_PROP(HideSecrets, NoPasswordIsShown, ()) {
  const auto word = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>('!', '~')));
  const std::string password = "<secret>" + *word;
  RC_ASSERT(hide_secrets("a pg://user:" + password + "@host/db").find("<secret>") == std::string::npos);
}

RC_GTEST_PROP(HideSecrets, HiddenTextStaysAsItIs, (const std::string& text)) {
  RC_ASSERT(hide_secrets(hide_secrets(text)) == hide_secrets(text));
}

}  // namespace
}  // namespace belay::cli
