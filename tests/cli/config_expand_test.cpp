#include "tests/cli/config_fixture.h"

#include <gtest/gtest.h>

namespace belay::cli {
namespace {

TEST_F(LoadConfig, VariablesAreReplaced) {
  variables = {{"HOST", "h"}, {"_n1", "name"}};
  EXPECT_EQ(load("database = 'pg://${HOST}/${_n1}?${HOST}'").database, "pg://h/name?h");
  EXPECT_EQ(load("[hooks]\nafter_each = ['a ${HOST}', '${_n1}']").after_each, (List{"a h", "name"}));
  EXPECT_EQ(load("log.level = '${LEVEL:-debug}'").log_level, "debug");
  EXPECT_EQ(load("journal.keep_bytes = '${SIZE:-1KiB}'").keep_bytes, 1024U);
}

TEST_F(LoadConfig, DefaultStandsForAVariableThatIsUnsetOrEmpty) {
  variables["EMPTY"] = "";
  variables["SET"] = "set";
  EXPECT_EQ(load("schema = '${UNSET:-a}${EMPTY:-b}${SET:-c}${UNSET:-}'").schema, "abset");
}

TEST_F(LoadConfig, DollarsThatReferToNothingStay) {
  EXPECT_EQ(load("hooks.after_each = 'a $$ $HOME $$$${X} $(y) ${UNSET:-$$5 $6} $'").after_each,
            List{"a $ $HOME $${X} $(y) $5 $6 $"});
}

TEST_F(LoadConfig, ValueOfAVariableIsNotExpandedAgain) {
  variables["A"] = "${B} $$";
  EXPECT_EQ(load("schema = '${A}'").schema, "${B} $$");
}

TEST_F(LoadConfig, UnsetVariableIsRefusedWithItsPlace) {
  const std::string rest = "the environment variable NAME is unset or empty; set it, or write `${NAME:-default}`";
  EXPECT_EQ(refusal("schema = 'x${NAME}'"), "1:10: " + rest);
  EXPECT_EQ(refusal("hooks.after_each = ['a',\n '${NAME}']"), "2:2: " + rest);
  variables["NAME"] = "";
  EXPECT_EQ(refusal("schema = '${NAME}'"), "1:10: " + rest);
}

TEST_F(LoadConfig, UnsetVariableInAnEnvironmentThatIsNotChosenIsNoError) {
  EXPECT_EQ(load("schema = 's'\n[env.a]\nschema = '${NAME}'").schema, "s");
}

TEST_F(LoadConfig, UnsetVariableThatIsOverriddenIsNoError) {
  write("database = '${NAME}'\n[env.a]\ndatabase = 'of a'");
  sources.environment = "a";
  EXPECT_EQ(load().database, "of a");
  sources.environment.reset();
  variables["DATABASE_URL"] = "of the variable";
  EXPECT_EQ(load().database, "of the variable");
  variables.clear();
  sources.database = "of the flag";
  EXPECT_EQ(load().database, "of the flag");
}

TEST_F(LoadConfig, BrokenReferencesAreRefusedEverywhere) {
  EXPECT_NE(refusal("schema = 'a${NAME'").find("1:10: a `${` is not closed by `}`; write"), std::string::npos);
  EXPECT_NE(refusal("[env.a]\nschema = '${NAME'").find("2:10: a `${` is not closed"), std::string::npos);
  for (const char* reference : {"${}", "${1A}", "${A-b}", "${A:b}", "${a b}", "${:-a}", "${A:=b}"}) {
    const std::string error = refusal("schema = '" + std::string(reference) + "'");
    EXPECT_NE(error.find("does not refer to a variable; write"), std::string::npos) << error;
  }
  EXPECT_NE(refusal("schema = '${A:-${B}}'").find("a default cannot refer"), std::string::npos);
}

TEST_F(LoadConfig, ExpandedValuesAreChecked) {
  variables["BAD"] = "loud";
  EXPECT_EQ(refusal("\nlog.level = '${BAD}'").substr(0, 39), "2:13: `log.level` cannot be `loud`; wri");
  EXPECT_EQ(refusal("schema = '${UNSET:-}'").substr(0, 23), "1:10: `schema` is empty");
  EXPECT_EQ(refusal("version_table = '${BAD};'").substr(0, 42), "1:17: `version_table` cannot be `loud;`; w");
}

}  // namespace
}  // namespace belay::cli
