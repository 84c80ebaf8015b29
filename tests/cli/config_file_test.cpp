#include "tests/cli/config_fixture.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

namespace belay::cli {
namespace {

TEST_F(LoadConfig, FolderWithoutFileGivesTheDefaults) {
  const Config config = load();
  EXPECT_EQ(config.file, "");
  EXPECT_EQ(config.folder, folder);
  EXPECT_EQ(config.database, "");
  EXPECT_EQ(config.versions, "versions");
  EXPECT_EQ(config.keep_bytes, 256U << 20U);
}

TEST_F(LoadConfig, EmptyFileGivesTheDefaults) {
  const Config config = load("");
  EXPECT_EQ(config.file, folder / "belay.toml");
  EXPECT_EQ(config.schema, "schema.sql");
  EXPECT_EQ(config.recovery_policy, "forward");
}

TEST_F(LoadConfig, EveryKeyReachesItsMember) {
  const Config config = load(R"(
database = "sqlite:app.db"
versions = "v"
schema = "s.sql"
template = "t.sql"
version_table = "applied"
protected = true
[journal]
path = "j"
keep_runs = 7
keep_bytes = 8
[backup]
directory = "b"
keep = 9
before = "never"
[recovery]
policy = "back"
[hooks]
before_migrate = "one.sql"
after_migrate = ["two.sql", "echo three"]
before_each = "four.sql"
after_each = []
[log]
file = "l"
level = "debug"
)");
  EXPECT_EQ(config.database, "sqlite:app.db");
  EXPECT_EQ(config.versions, "v");
  EXPECT_EQ(config.schema, "s.sql");
  EXPECT_EQ(config.script_template, "t.sql");
  EXPECT_EQ(config.version_table, "applied");
  EXPECT_TRUE(config.is_protected);
  EXPECT_EQ(config.journal_path, "j");
  EXPECT_EQ(config.keep_runs, 7U);
  EXPECT_EQ(config.keep_bytes, 8U);
  EXPECT_EQ(config.backup_directory, "b");
  EXPECT_EQ(config.backup_keep, 9U);
  EXPECT_EQ(config.backup_before, "never");
  EXPECT_EQ(config.recovery_policy, "back");
  EXPECT_EQ(config.before_migrate, List{"one.sql"});
  EXPECT_EQ(config.after_migrate, (List{"two.sql", "echo three"}));
  EXPECT_EQ(config.before_each, List{"four.sql"});
  EXPECT_EQ(config.after_each, List{});
  EXPECT_EQ(config.log_file, "l");
  EXPECT_EQ(config.log_level, "debug");
}

TEST_F(LoadConfig, InlineTablesAndDottedKeysAreTheSame) {
  const Config config = load("journal.keep_runs = 1\nbackup = {keep = 2}\nenv.a.log.level = 'debug'\n");
  EXPECT_EQ(config.keep_runs, 1U);
  EXPECT_EQ(config.backup_keep, 2U);
}

TEST_F(LoadConfig, ByteOrderMarkAndWindowsLinesAreRead) {
  EXPECT_EQ(load("\xEF\xBB\xBF"
                 "versions = 'v'\r\nschema = 's'\r\n")
                .schema,
            "s");
}

TEST_F(LoadConfig, NamedFileIsReadAndPathsAreRelativeToIt) {
  fs::create_directory(folder / "conf");
  write("versions = 'here'", "conf/other.toml");
  write("nonsense");
  sources.file = "conf/other.toml";
  const Config config = load();
  EXPECT_EQ(config.file, folder / "conf/other.toml");
  EXPECT_EQ(config.folder, folder / "conf");
  EXPECT_EQ(setting("versions"), "here from other.toml:1");
}

TEST_F(LoadConfig, AbsoluteNamedFileIsRead) {
  write("versions = 'here'", "other.toml");
  sources.folder = "/";
  sources.file = (folder / "other.toml").string();
  EXPECT_EQ(load().versions, "here");
  EXPECT_EQ(load().folder, folder);
}

TEST_F(LoadConfig, FolderIsAbsoluteThoughTheSourceIsNot) {
  sources.folder = fs::relative(folder);
  EXPECT_EQ(load().folder, folder);
}

TEST_F(LoadConfig, MissingNamedFileIsMissing) {
  write("");
  for (const char* name : {"other.toml", ""}) {
    sources.file = name;
    EXPECT_EQ(refusal().code(), Code::missing) << name;
    EXPECT_NE(refusal().next().find("belay init"), std::string::npos);
  }
}

TEST_F(LoadConfig, FolderInPlaceOfTheFileIsRefused) {
  fs::create_directory(folder / "belay.toml");
  EXPECT_EQ(refusal().code(), Code::malformed);
  EXPECT_STREQ(refusal().what(), "this is a folder");
}

TEST_F(LoadConfig, DeviceInPlaceOfTheFileIsRefused) {
  sources.file = "/dev/zero";
  EXPECT_STREQ(refusal().what(), "cannot be read: it is not a file");
}

/// Root may read everything: as long as this lives, the test is nobody.
struct AsNobody {
  AsNobody() { EXPECT_TRUE(getuid() != 0 || seteuid(65534) == 0); }
  ~AsNobody() { EXPECT_TRUE(getuid() != 0 || seteuid(0) == 0); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
};

TEST_F(LoadConfig, UnreadableFileIsRefusedWithTheReason) {
  write("");
  fs::permissions(folder, fs::perms(0755));
  fs::permissions(folder / "belay.toml", fs::perms::none);
  const AsNobody nobody;
  EXPECT_STREQ(refusal().what(), "cannot be read: Permission denied");
}

TEST_F(LoadConfig, LoopOfSymbolicLinksIsRefusedWithTheReason) {
  fs::create_symlink("belay.toml", folder / "belay.toml");
  EXPECT_STREQ(refusal().what(), "cannot be read: Too many levels of symbolic links");
}

TEST_F(LoadConfig, HugeFileIsRefused) {
  EXPECT_EQ(load("#" + std::string((1U << 20U) - 1, 'x')).versions, "versions");
  EXPECT_EQ(refusal("#" + std::string(1U << 20U, 'x')), "0:0: this is larger than 1 MiB, so it is no configuration; ");
}

TEST_F(LoadConfig, BytesThatAreNotUtf8AreRefusedWithTheirPlace) {
  EXPECT_EQ(refusal("# ä\n# ä\xFF\n"), "2:4: the file is not UTF-8; save it as UTF-8");
}

TEST_F(LoadConfig, WhatIsNotTomlIsRefusedWithItsPlace) {
  EXPECT_EQ(refusal("versions = 'v'\nschema = ?\n").substr(0, 25), "2:10: this is not TOML: E");
}

TEST_F(LoadConfig, BrokenTomlIsRefusedWhereItBreaks) {
  const std::map<std::string, std::string> places{
      {"[[=", "1:3: "},      {"[[[a]]]", "1:3: "}, {"a = [0, }", "1:9: "}, {"a = 2026-01-0=", "1:14:"},
      {"a = 07:x", "1:8: "}, {"a = ", "1:5: "},    {"'a' ä = 1", "1:5: "}, {"a = \"\"\"\\\nä", "2:2: "}};
  for (const auto& [text, place] : places) EXPECT_EQ(refusal(text).substr(0, 5), place) << refusal(text);
}

TEST_F(LoadConfig, KeyGivenTwiceIsRefused) {
  EXPECT_NE(refusal("schema = 'a'\nschema = 'b'\n").find("cannot redefine"), std::string::npos);
}

TEST_F(LoadConfig, DeepNestingIsRefused) {
  std::string dots = "a";
  for (int i = 0; i < 100'000; ++i) dots += ".a";
  EXPECT_EQ(refusal("\n" + dots + " = 1").substr(0, 40), "2:1: there are more than 100 dots in thi");
  EXPECT_EQ(refusal("[" + dots + "]").substr(0, 40), "1:1: there are more than 100 dots in thi");
  EXPECT_NE(refusal("a = " + std::string(100'000, '[')).find("nested"), std::string::npos);
}

TEST_F(LoadConfig, DotsInACommentAreNoNesting) {
  EXPECT_EQ(load("  # " + std::string(300, '.') + "\nschema = 's'").schema, "s");
}

TEST_F(LoadConfig, NulInAStringIsRefused) {
  EXPECT_EQ(refusal("schema = \"a\\u0000b\""), "1:10: a string holds a NUL character; remove it");
}

RC_GTEST_FIXTURE_PROP(LoadConfig, ArbitraryBytesAreReadOrRefused, (const std::string& text)) {
  write(text);
  try {
    load();
  } catch (const ConfigError& error) {
    RC_ASSERT(error.code() == Code::malformed);
  }
}

RC_GTEST_FIXTURE_PROP(LoadConfig, ArbitraryTokensAreReadOrRefused, ()) {
  const auto words = *rc::gen::container<List>(rc::gen::elementOf(List{
      "database",   "journal", "env", "a", "hooks", "before_each", "keep_bytes", " = ",  "[",           "]",
      "[[",         "]]",      "{",   "}", ".",     ",",           "\n",         "'x'",  "\"${A:-b}\"", "\"\"\"",
      "'''",        "$",       "${",  "1", "-1",    "0x",          "1e9",        "true", "\\u0000",     "1979-05-27",
      "T07:32:00Z", "#",       "inf", "+", "_",     "\"1GB\"",     "\r\n",       "\t"}));
  std::string text;
  for (const std::string& word : words) text += word;
  write(text);
  try {
    load();
  } catch (const ConfigError& error) {
    RC_ASSERT(error.code() == Code::malformed);
  }
}

// ---- Keys and types

TEST_F(LoadConfig, UnknownKeyNamesTheNearest) {
  EXPECT_EQ(refusal("\n  databse = 'x'\n"), "2:3: `databse` is not a key of belay.toml; did you mean `database`?");
  EXPECT_EQ(refusal("[journal]\nkeep_rusn = 1\n"),
            "2:1: `keep_rusn` is not a key of [journal]; did you mean `keep_runs`?");
  EXPECT_EQ(refusal("[jurnal]\n"), "1:2: `jurnal` is not a key of belay.toml; did you mean `journal`?");
}

TEST_F(LoadConfig, UnknownKeyOfAnEnvironmentThatIsNotChosenIsRefused) {
  EXPECT_EQ(refusal("[env.production]\nprotect = true\n"),
            "2:1: `protect` is not a key of [env.production]; did you mean `protected`?");
  EXPECT_EQ(refusal("[env.production.log]\nlevle = 'info'\n"),
            "2:1: `levle` is not a key of [env.production.log]; did you mean `level`?");
}

TEST_F(LoadConfig, UnknownKeyWithoutANearOneListsThoseThereAre) {
  EXPECT_EQ(refusal("[log]\ncolour = true\n"), "2:1: `colour` is not a key of [log]; the keys here are file, level");
}

TEST_F(LoadConfig, KeyInTheWrongTableIsToldItsPlace) {
  EXPECT_EQ(refusal("keep_runs = 1\n"), "1:1: `keep_runs` is not a key of belay.toml; it belongs below [journal]");
  EXPECT_EQ(refusal("[log]\nschema = 's'\n"),
            "2:1: `schema` is not a key of [log]; it belongs above the first [table]");
  EXPECT_EQ(refusal("[env.a.log]\nschema = 's'\n"),
            "2:1: `schema` is not a key of [env.a.log]; it belongs below [env.a]");
}

TEST_F(LoadConfig, EnvironmentOutsideOfEnvIsToldItsPlace) {
  EXPECT_EQ(refusal("[production]\nprotected = true\n"),
            "1:2: `production` is not a key of belay.toml; if it is an environment, write `[env.production]`");
}

TEST_F(LoadConfig, EnvironmentWithinAnEnvironmentIsRefused) {
  EXPECT_EQ(refusal("[env.a.env.b]\n").substr(0, 36), "1:8: `env` is not a key of [env.a]; ");
}

TEST_F(LoadConfig, ValueInPlaceOfATableIsRefused) {
  for (const char* text : {"journal = 1", "env = 1", "env.a = 1", "[[log]]", "[[env]]", "[[env.a]]"}) {
    EXPECT_NE(refusal(text).find("` must be a table, not a"), std::string::npos) << text;
  }
}

TEST_F(LoadConfig, WrongTypesAreRefused) {
  EXPECT_EQ(refusal("database = 1"),
            "1:12: `database` must be a string, not a whole number; write one value in quotes");
  EXPECT_EQ(refusal("[versions]"), "1:1: `versions` must be a string, not a table; write one value in quotes");
  EXPECT_EQ(refusal("protected = 'true'"),
            "1:13: `protected` must be true or false, not a string; write `true` or `false`, without quotes");
  EXPECT_EQ(refusal("backup.keep = '1'"),
            "1:15: `backup.keep` must be a whole number, not a string; write it as 100, without quotes");
  EXPECT_EQ(refusal("journal.keep_bytes = 1.5"),
            "1:22: `journal.keep_bytes` must be a whole number, not a number with a fraction; "
            "write a number, or \"256MiB\"");
  EXPECT_EQ(refusal("hooks.after_each = ['a',\n 1979-05-27]"),
            "2:2: `hooks.after_each` must be a string or an array of strings, not a date or time; "
            "write `[\"first\", \"second\"]`");
}

TEST_F(LoadConfig, WrongTypeInAnEnvironmentThatIsNotChosenIsRefused) {
  EXPECT_EQ(refusal("[env.a]\nschema = []").substr(0, 44), "2:10: `schema` must be a string, not an arra");
}

}  // namespace
}  // namespace belay::cli
