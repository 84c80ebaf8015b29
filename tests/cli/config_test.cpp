#include "tests/cli/config_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace belay::cli {
namespace {

// ---- Values

TEST_F(LoadConfig, NegativeNumbersAreRefused) {
  for (const char* key : {"journal.keep_runs", "journal.keep_bytes", "backup.keep", "env.a.backup.keep"}) {
    EXPECT_NE(refusal(std::string(key) + " = -1").find("` cannot be negative; write 0 or more"), std::string::npos);
  }
}

TEST_F(LoadConfig, UnknownWordsNameTheNearest) {
  EXPECT_EQ(refusal("[recovery]\npolicy = 'forwrd'"),
            "2:10: `recovery.policy` cannot be `forwrd`; did you mean `forward`?");
  EXPECT_EQ(refusal("[backup]\nbefore = 'Always'"), "2:10: `backup.before` cannot be `Always`; did you mean `always`?");
  EXPECT_EQ(refusal("[env.a.log]\nlevel = 'loud'"),
            "2:9: `log.level` cannot be `loud`; write one of error, warning, info, debug");
}

TEST_F(LoadConfig, EmptyPathsAndHooksAreRefused) {
  for (const char* key : {"versions", "schema", "template", "journal.path", "backup.directory", "log.file",
                          "hooks.before_migrate", "hooks.after_each", "autogenerate.ignore", "env.a.versions"}) {
    EXPECT_NE(refusal(std::string(key) + " = ''").find("` is empty; remove it, or give it a value"), std::string::npos);
  }
}

TEST_F(LoadConfig, VersionTableMustBeAPlainName) {
  for (const char* name : {"", "a b", "a;b", "main.t", "1a", "ä", "a\\\"b"}) {
    const std::string error = refusal("version_table = \"" + std::string(name) + "\"");
    EXPECT_NE(error.find("write letters, digits and _"), std::string::npos) << error;
  }
  EXPECT_EQ(load("version_table = '_Applied_2'").version_table, "_Applied_2");
}

TEST_F(LoadConfig, ReservedVersionTablesAreRefused) {
  for (const char* name : {"sqlite_x", "SQLite_x", "belay_state", "Belay_State"}) {
    EXPECT_NE(refusal("version_table = '" + std::string(name) + "'").find("reserved"), std::string::npos) << name;
  }
}

TEST_F(LoadConfig, BytesMayHaveAUnit) {
  const std::map<std::string, std::uint64_t> sizes{{"0", 0},
                                                   {"12", 12},
                                                   {"12B", 12},
                                                   {"3kB", 3'000},
                                                   {"3 MB", 3'000'000},
                                                   {"1GB", 1'000'000'000},
                                                   {"2tb", 2'000'000'000'000},
                                                   {"1KiB", 1024},
                                                   {"256MiB", 256U << 20U},
                                                   {"1gib", 1U << 30U},
                                                   {"18446744073709551615", ~std::uint64_t{0}},
                                                   {"1TiB", 1ULL << 40U}};
  for (const auto& [text, bytes] : sizes) {
    EXPECT_EQ(load("journal.keep_bytes = '" + text + "'").keep_bytes, bytes) << text;
  }
}

TEST_F(LoadConfig, BytesThatMakeNoSenseAreRefused) {
  for (const char* text : {"", "MiB", "-1", "1.5GiB", "1 zB", "1MiB!", "18446744073709551616", "16777216TiB"}) {
    EXPECT_NE(refusal("journal.keep_bytes = '" + std::string(text) + "'").find("write a number of bytes with a unit"),
              std::string::npos)
        << text;
  }
}

// ---- Environments and precedence

TEST_F(LoadConfig, ChosenEnvironmentOverridesTheFile) {
  write(
      "schema = 'a'\nversions = 'a'\n[journal]\nkeep_runs = 1\nkeep_bytes = 1\n"
      "[env.x]\nschema = 'b'\n[env.x.journal]\nkeep_runs = 2\n[env.y]\nschema = 'c'\n");
  sources.environment = "x";
  const Config config = load();
  EXPECT_EQ(config.environment, "x");
  EXPECT_EQ(config.schema, "b");
  EXPECT_EQ(config.versions, "a");
  EXPECT_EQ(config.keep_runs, 2U);
  EXPECT_EQ(config.keep_bytes, 1U);
}

TEST_F(LoadConfig, EnvironmentMayTakeHooksAway) {
  write("hooks.after_each = 'a'\n[env.x]\nhooks.after_each = []");
  sources.environment = "x";
  EXPECT_EQ(load().after_each, List{});
}

TEST_F(LoadConfig, FlagChoosesTheEnvironmentBeforeTheVariable) {
  write("[env.a]\n[env.b]\n");
  variables["BELAY_ENV"] = "b";
  EXPECT_EQ(load().environment, "b");
  sources.environment = "a";
  EXPECT_EQ(load().environment, "a");
}

TEST_F(LoadConfig, EmptyVariableChoosesNoEnvironment) {
  variables["BELAY_ENV"] = "";
  EXPECT_EQ(load("[env.a]\n").environment, "");
}

TEST_F(LoadConfig, UnknownEnvironmentNamesTheNearestAndAll) {
  sources.environment = "prodution";
  EXPECT_EQ(refusal("[env.production]\n[env.staging]\n"),
            "0:0: there is no environment `prodution`; "
            "did you mean `production`? the environments are production, staging");
  EXPECT_EQ(refusal(""), "0:0: there is no environment `prodution`; add a table `[env.prodution]`");
}

TEST_F(LoadConfig, EmptyFlagIsNoEnvironmentAndNoDatabase) {
  sources.environment = "";
  EXPECT_EQ(refusal("[env.a]\n"), "0:0: there is no environment ``; the environments are a");
  sources.environment.reset();
  sources.database = "";
  EXPECT_STREQ(refusal().what(), "--database is empty");
}

TEST_F(LoadConfig, EnvironmentWithoutAFileIsMissing) {
  variables["BELAY_ENV"] = "production";
  EXPECT_EQ(refusal().code(), Code::missing);
  EXPECT_EQ(refusal().file(), folder / "belay.toml");
}

TEST_F(LoadConfig, DatabaseComesFromTheFirstOfItsSources) {
  write("database = 'of the file'\n[env.a]\ndatabase = 'of a'\n");
  EXPECT_EQ(setting("database"), "of the file from belay.toml:1");
  sources.environment = "a";
  EXPECT_EQ(setting("database"), "of a from belay.toml:3 [env.a]");
  variables["DATABASE_URL"] = "url";
  EXPECT_EQ(setting("database"), "url from DATABASE_URL");
  variables["BELAY_DATABASE_URL"] = "belay's url";
  EXPECT_EQ(setting("database"), "belay's url from BELAY_DATABASE_URL");
  sources.database = "flag";
  EXPECT_EQ(setting("database"), "flag from --database");
  EXPECT_EQ(load().database, "flag");
}

TEST_F(LoadConfig, EmptyDatabaseVariablesCountAsUnset) {
  variables = {{"BELAY_DATABASE_URL", ""}, {"DATABASE_URL", ""}};
  EXPECT_EQ(load("database = 'of the file'").database, "of the file");
}

TEST_F(LoadConfig, OnlyTheFileRefersToVariables) {
  variables["DATABASE_URL"] = "${HOME}";
  EXPECT_EQ(load().database, "${HOME}");
}

// ---- What a person is shown

TEST_F(LoadConfig, SettingsAreEveryKeyInOrderWithItsDefault) {
  std::string all;
  for (const Setting& setting : load().settings) {
    EXPECT_EQ(setting.origin, "default");
    all += setting.key + "=" + setting.value + " ";
  }
  EXPECT_EQ(all,
            "database= versions=versions schema=schema.sql template=template.sql version_table=belay_version "
            "protected=false secure_delete=false journal.path= journal.keep_runs=100 journal.keep_bytes=256MiB "
            "backup.directory= backup.keep=10 backup.before=auto recovery.policy=forward hooks.before_migrate= "
            "hooks.after_migrate= "
            "hooks.before_each= hooks.after_each= autogenerate.ignore= log.file= log.level=info ");
}

TEST_F(LoadConfig, PageOnConfigurationHasAnExampleThatIsReadAndEveryKey) {
  std::ifstream stream(fs::path(BELAY_SOURCE_DIR) / "docs/configuration.md");
  const std::string page(std::istreambuf_iterator<char>(stream), {});
  const std::string fence = "```toml\n";
  const std::size_t example = page.find(fence) + fence.size();
  write(page.substr(example, page.find("```", example) - example));
  variables["DATABASE_URL"] = "sqlite:x.db";
  sources.environment = "production";
  EXPECT_EQ(load().backup_keep, 30U);
  for (const Setting& setting : load().settings) {
    const std::string name = setting.key.substr(setting.key.find('.') + 1);
    EXPECT_NE(page.find("\n| `" + name + "` | "), std::string::npos) << setting.key;
  }
}

TEST_F(LoadConfig, SettingsSayTheirOrigin) {
  write("protected = true\n[hooks]\nbefore_each = ['a.sql',\n 'b']\n[env.x.journal]\nkeep_bytes = '1500kB'\n");
  sources.environment = "x";
  EXPECT_EQ(setting("protected"), "true from belay.toml:1");
  EXPECT_EQ(setting("hooks.before_each"), "a.sql, b from belay.toml:3");
  EXPECT_EQ(setting("journal.keep_bytes"), "1500000B from belay.toml:6 [env.x]");
}

TEST_F(LoadConfig, SettingsHideSecrets) {
  variables = {{"DB_PASSWORD", "hidden"}, {"HOST", "h"}};
  write("database = 'pg://u:hidden@${HOST}/db'\n[hooks]\nafter_each = 'notify ${DB_PASSWORD} ${HOST} token=hidden'\n");
  EXPECT_EQ(setting("database"), "pg://u:***@h/db from belay.toml:1");
  EXPECT_EQ(setting("hooks.after_each"), "notify *** h token=*** from belay.toml:3");
  EXPECT_EQ(load().database, "pg://u:hidden@h/db");
  sources.database = "pg://u:hidden@h/db";
  EXPECT_EQ(setting("database"), "pg://u:***@h/db from --database");
}

TEST_F(LoadConfig, ErrorsHideSecrets) {
  variables["API_TOKEN"] = "hidden";
  EXPECT_EQ(refusal("log.level = '${API_TOKEN}'").find("hidden"), std::string::npos);
  EXPECT_EQ(refusal("version_table = '${API_TOKEN}-'").find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace belay::cli
