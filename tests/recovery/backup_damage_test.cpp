// Backups that are not what they were: each is refused, with what is wrong, and listing goes on.

#include <sys/stat.h>
#include <zstd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "recovery/backup_archive.h"
#include "tests/recovery/backup_fixture.h"

namespace belay::recovery {
namespace {

using Json = nlohmann::json;

std::string packed(const std::string& content) {
  std::string result(ZSTD_compressBound(content.size()), '\0');
  result.resize(ZSTD_compress(result.data(), result.size(), content.data(), content.size(), 3));
  return result;
}

class BackupDamageTest : public BackupTest {
 protected:
  BackupDamageTest() {
    make(200);
    good_ = take();
    run("INSERT INTO t (x) VALUES ('later'); CREATE TABLE more (x)");
    other_ = take();
    data_ = read_file(good_.file);
    manifest_ = read_file(good_.manifest_file);
  }

  void heal() const {
    std::filesystem::remove_all(good_.file);
    std::filesystem::remove_all(good_.manifest_file);
    write_file(good_.file, data_);
    write_file(good_.manifest_file, manifest_);
  }
  void data(const std::string& bytes) const { write_file(good_.file, bytes); }
  void manifest(const std::string& text) const { write_file(good_.manifest_file, text); }
  /// A manifest with these fields instead, and a checksum that fits.
  void forge(const Json& fields) const {
    Json json = Json::parse(manifest_);
    json.update(fields);
    json.erase("checksum");
    json["checksum"] = sha256_of(json.dump());
    manifest(json.dump());
  }
  void forge_without(const std::string& key) const {
    Json json = Json::parse(manifest_);
    json.erase(key);
    json.erase("checksum");
    json["checksum"] = sha256_of(json.dump());
    manifest(json.dump());
  }
  /// Another content, in a file and a manifest that are right about it.
  void disguise(const std::string& bytes) const {
    const std::string stored = packed(bytes);
    data(stored);
    forge({{"bytes", stored.size()},
           {"sha256", sha256_of(stored)},
           {"content_bytes", bytes.size()},
           {"content_sha256", sha256_of(bytes)}});
  }
  [[nodiscard]] std::string plain() {
    const auto file = folder / "plain.db";
    std::filesystem::remove(file);
    unpack(good_, file, listener);
    return read_file(file);
  }
  static std::string flipped(std::string bytes, std::size_t at) {
    bytes.at(at) = static_cast<char>(bytes[at] ^ 0x10);
    return bytes;
  }

  /// It is neither verified nor unpacked, says why, leaves nothing behind, and does not hide the other one.
  void expect_refused(const std::string& kind) {
    const auto refused = [&](const std::function<void(const Backup&)>& use) {
      try {
        use(find_backup(backups(), good_.manifest.id));
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::backup_damaged || error.code() == ErrorCode::newer_backup ||
                    error.code() == ErrorCode::no_backup)
            << kind << ": " << error.what();
        EXPECT_GT(std::string(error.what()).size(), 30U) << kind;
        said_[kind] = error.what();
        return true;
      }
      return false;
    };
    EXPECT_TRUE(refused([&](const Backup& backup) { verify_backup(backup, listener); })) << kind;
    EXPECT_TRUE(refused([&](const Backup& backup) { unpack(backup, folder / "out.db", listener); })) << kind;
    for (const char* name : {"out.db", "out.db-wal", "out.db-shm", "out.db-journal"})
      EXPECT_FALSE(std::filesystem::exists(folder / name)) << kind;
    ASSERT_NO_THROW(list_backups(backups())) << kind;
    EXPECT_EQ(find_backup(backups()).manifest.id, other_.manifest.id) << kind;
    for (const auto& name : names()) EXPECT_FALSE(name.starts_with(".belay-scratch-")) << kind;
    heal();
    ++kinds_;
  }

  Backup good_;
  Backup other_;
  std::string data_;
  std::string manifest_;
  std::map<std::string, std::string> said_;
  int kinds_ = 0;
};

TEST_F(BackupDamageTest, DataThatWasCutShort) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{17}, data_.size() / 4,
                                 data_.size() / 2, data_.size() - 5, data_.size() - 1}) {
    data(data_.substr(0, size));
    expect_refused("cut to " + std::to_string(size));
  }
}

TEST_F(BackupDamageTest, DataOfWhichASingleBitHasChanged) {
  for (std::size_t at = 0; at < data_.size(); at += 1 + data_.size() / 60) {
    data(flipped(data_, at));
    expect_refused("bit at " + std::to_string(at));
  }
  data(flipped(data_, data_.size() - 1));
  expect_refused("last bit");
}

TEST_F(BackupDamageTest, DataThatWasOverwritten) {
  data(std::string(data_.size(), '\0'));
  expect_refused("zeros");
  data(data_.substr(0, data_.size() / 2) + std::string(data_.size() - data_.size() / 2, '\0'));
  expect_refused("zeros in the second half");
  data(data_ + "x");
  expect_refused("one byte more");
  data(data_ + data_);
  expect_refused("twice");
  data(read_file(other_.file));
  expect_refused("the data of another backup");
  data("SQLite format 3");
  expect_refused("something else");
}

TEST_F(BackupDamageTest, DataThatIsNoFile) {
  std::filesystem::remove(good_.file);
  expect_refused("no data");
  std::filesystem::remove(good_.file);
  std::filesystem::create_directory(good_.file);
  expect_refused("a folder");
  std::filesystem::remove(good_.file);
  std::filesystem::create_symlink(other_.file, good_.file);
  expect_refused("a link to another backup");
  std::filesystem::remove(good_.file);
  write_file(folder / "same", data_);
  std::filesystem::create_symlink(folder / "same", good_.file);
  expect_refused("a link, whatever it leads to");
  std::filesystem::remove(good_.file);
  ASSERT_EQ(::mkfifo(good_.file.c_str(), 0600), 0);
  expect_refused("a pipe");
}

TEST_F(BackupDamageTest, ManifestThatIsNone) {
  const std::map<std::string, std::string> texts{
      {"empty", ""},
      {"cut", manifest_.substr(0, manifest_.size() / 2)},
      {"cut at its end", manifest_.substr(0, manifest_.size() - 3)},
      {"garbage", "\x80\xff\x13 not JSON"},
      {"zeros", std::string(500, '\0')},
      {"a list", "[1, 2, 3]"},
      {"null", "null"},
      {"a number", "7"},
      {"deep", std::string(300'000, '[')},
      {"deep and closed", std::string(200'000, '[') + std::string(200'000, ']')},
      {"deep inside", R"({"format": 1, "id": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}"},
      {"huge", "{\"x\": \"" + std::string(2'000'000, 'x') + "\"}"},
      {"an empty object", "{}"},
      {"of another backup", read_file(other_.manifest_file)},
      {"two in one", manifest_ + manifest_}};
  for (const auto& [kind, text] : texts) {
    manifest(text);
    expect_refused("manifest: " + kind);
  }
  std::filesystem::remove(good_.manifest_file);
  expect_refused("no manifest");
  std::filesystem::remove(good_.manifest_file);
  ASSERT_EQ(::mkfifo(good_.manifest_file.c_str(), 0600), 0);
  expect_refused("manifest: a pipe");
  std::filesystem::remove(good_.manifest_file);
  std::filesystem::create_symlink(other_.manifest_file, good_.manifest_file);
  expect_refused("manifest: a link");
}

/// Whoever changes a field without its checksum.
TEST_F(BackupDamageTest, ManifestOfWhichAFieldWasChanged) {
  const Json whole = Json::parse(manifest_);
  for (const auto& [key, value] : whole.items()) {
    Json json = whole;
    if (value.is_string())
      json[key] = value.get<std::string>() + "0";
    else if (value.is_number())
      json[key] = value.get<std::uint64_t>() + 1;
    else if (value.is_boolean())
      json[key] = !value.get<bool>();
    else
      json[key].push_back("9");
    manifest(json.dump());
    expect_refused("changed: " + key);
    json.erase(key);
    manifest(json.dump());
    expect_refused("gone: " + key);
  }
}

/// Suffixes become names of files; the database's own file has none.
TEST_F(BackupDamageTest, DataHasNoSuffixWhateverItsManifestSays) {
  forge({{"suffix", "/../../x"}});
  EXPECT_EQ(parse_manifest(read_file(good_.manifest_file)).data.suffix, "");
}

/// The checksum fits, and still: what does not make sense, or is not so, is refused.
TEST_F(BackupDamageTest, ManifestThatIsForged) {
  const Json number = std::uint64_t{18'446'744'073'709'551'615U};
  const std::map<std::string, Json> forgeries{
      {"newer format", {{"format", 2}}},
      {"no such format", {{"format", 0}}},
      {"format as text", {{"format", "1"}}},
      {"format below zero", {{"format", -1}}},
      {"format of another size", {{"format", number}}},
      {"id of another", {{"id", other_.manifest.id}}},
      {"id that leads elsewhere", {{"id", "../../etc/passwd"}}},
      {"bytes as text", {{"bytes", std::to_string(data_.size())}}},
      {"bytes below zero", {{"bytes", -1}}},
      {"bytes beyond all", {{"bytes", number}}},
      {"bytes with a fraction", {{"bytes", 1.5}}},
      {"fewer bytes", {{"bytes", data_.size() - 1}}},
      {"another sha256", {{"sha256", std::string(64, 'a')}}},
      {"short sha256", {{"sha256", "abc"}}},
      {"sha256 of other letters", {{"sha256", std::string(64, 'g')}}},
      {"sha256 of nothing", {{"sha256", nullptr}}},
      {"more content", {{"content_bytes", good_.manifest.data.content_bytes + 4096}}},
      {"less content", {{"content_bytes", 4096}}},
      {"no content", {{"content_bytes", 0}}},
      {"another content", {{"content_sha256", other_.manifest.data.content_sha256}}},
      {"another database", {{"database_id", "0123456789abcdef0123456789abcdef"}}},
      {"another moment", {{"last_lsn", 99}}},
      {"not packed", {{"packed", false}}},
      {"packed as text", {{"packed", "yes"}}},
      {"unknown state", {{"state", "splendid"}}},
      {"revision as text", {{"revision", "001"}}},
      {"revision of numbers", {{"revision", {1, 2}}}},
      {"escape sequences", {{"reason", "\x1b[2J"}}},
      {"text that is rubbed out", {{"reason", "manual\x7f"}}},
      {"long text", {{"database", std::string(10'000, 'x')}}},
      {"files elsewhere", {{"others", {{{"suffix", "/../../x"}, {"bytes", 1}}}}}},
      {"others as text", {{"others", "none"}}},
      {"others that are no files", {{"others", Json::array({7})}}},
      {"page size", {{"page_size", number}}},
      {"no page size", {{"page_size", 0}}}};
  for (const auto& [kind, fields] : forgeries) {
    forge(fields);
    expect_refused("forged: " + kind);
  }
  for (const char* key : {"format", "id", "bytes", "sha256", "content_bytes", "content_sha256", "database_id",
                          "last_lsn", "state", "packed", "revision"}) {
    forge_without(key);
    expect_refused(std::string("forged without ") + key);
  }
}

/// Such a name could lead anywhere.
TEST_F(BackupDamageTest, ManifestThatNamesAFileThatNoDatabaseHasIsRefusedForThat) {
  Json part = Json::parse(manifest_);
  part["suffix"] = "/../../x";
  forge({{"others", Json::array({part})}});
  expect_refused("named");
  EXPECT_NE(said_["named"].find("names a file that no database has"), std::string::npos) << said_["named"];
  part["suffix"] = "-journal";
  forge({{"others", Json::array({part})}});
  expect_refused("missing");
  EXPECT_NE(said_["missing"].find(".db-journal.zst"), std::string::npos) << said_["missing"];
}

TEST_F(BackupDamageTest, WhatIsMissingFirstIsSaidFirst) {
  Json wal = Json::parse(manifest_);
  wal["suffix"] = "-wal";
  forge({{"others", Json::array({wal})}});
  std::filesystem::remove(good_.file);
  expect_refused("both");
  EXPECT_NE(said_["both"].find(good_.file.filename().string()), std::string::npos) << said_["both"];
}

/// Both are what the manifest says, so that only the frame tells.
TEST_F(BackupDamageTest, WhatIsBehindTheEndOfTheFrameIsRefused) {
  const std::string longer = data_ + "x";
  data(longer);
  forge({{"bytes", longer.size()}, {"sha256", sha256_of(longer)}});
  expect_refused("behind");
  EXPECT_NE(said_["behind"].find("more behind the end"), std::string::npos) << said_["behind"];
}

TEST_F(BackupDamageTest, ManifestBesideAFileOfOnesOwnChoiceIsNamedByItsPath) {
  auto chosen = request();
  chosen.file = folder / "mine.db";
  const Backup mine = take(chosen);
  write_file(mine.manifest_file, "{");
  const auto error = error_of<Error>([&] { find_backup_at(chosen.file); });
  EXPECT_EQ(error.code(), ErrorCode::backup_damaged);
  EXPECT_EQ(error.file(), mine.manifest_file.string());
  EXPECT_TRUE(std::string(error.what()).starts_with("its manifest is no JSON")) << error.what();
}

TEST_F(BackupDamageTest, NewerFormatIsSaidToBeNewer) {
  forge({{"format", 2}, {"id", {{"all", "different"}}}});
  EXPECT_EQ(code_of<Error>([&] { find_backup(backups(), good_.manifest.id); }), ErrorCode::newer_backup);
  EXPECT_TRUE(list_backups(backups()).back().newer);
}

TEST_F(BackupDamageTest, ContentThatIsNoSoundDatabase) {
  disguise("");
  expect_refused("nothing");
  disguise(std::string(8192, 'x'));
  expect_refused("no database");
  disguise(plain().substr(0, plain().size() / 2));
  expect_refused("half a database");
  std::string corrupt = plain();
  for (std::size_t at = 4096; at < corrupt.size(); at += 4096) corrupt.replace(at, 40, 40, '\x77');
  disguise(corrupt);
  expect_refused("a corrupt database");
  disguise(plain().replace(0, 16, 16, '\0'));
  expect_refused("a database without its header");
  engine::run(folder / "strange.db",
              "CREATE TABLE belay_state (id, database_id, last_lsn, format); INSERT INTO "
              "belay_state VALUES (1, 'another', 7, 1)");
  disguise(read_file(folder / "strange.db"));
  expect_refused("another database");
}

TEST_F(BackupDamageTest, DatabaseOfALaterBelayIsNotCalledDamaged) {
  engine::run(folder / "later.db",
              "CREATE TABLE belay_state (id, database_id, last_lsn, format); INSERT INTO belay_state VALUES (1, "
              "'later', 7, 99)");
  disguise(read_file(folder / "later.db"));
  const auto backup = find_backup(backups(), good_.manifest.id);
  EXPECT_EQ(code_of([&] { verify_backup(backup, listener); }), engine::ErrorCode::newer_format);
}

/// A gigabyte in a few kilobytes: no more comes out than the manifest says, whatever that is.
TEST_F(BackupDamageTest, BombIsStoppedAtThePromise) {
  const std::string bomb = packed(std::string(std::size_t{1} << 28U, '\0'));
  ASSERT_LT(bomb.size(), 100'000U);
  data(bomb);
  forge({{"bytes", bomb.size()}, {"sha256", sha256_of(bomb)}});
  struct Watch final : engine::Observer {
    void copy_advanced(std::string_view, std::int64_t done, std::int64_t) override { most = std::max(most, done); }
    std::int64_t most = 0;
  } watch;
  const Backup backup = find_backup(backups(), good_.manifest.id);
  EXPECT_EQ(code_of<Error>([&] { unpack(backup, folder / "out.db", watch); }), ErrorCode::backup_damaged);
  EXPECT_LE(watch.most, static_cast<std::int64_t>(good_.manifest.data.content_bytes));
  expect_refused("bomb");
  forge({{"bytes", bomb.size()}, {"sha256", sha256_of(bomb)}, {"content_bytes", std::uint64_t{1} << 50U}});
  data(bomb);
  const Backup boundless = find_backup(backups(), good_.manifest.id);
  EXPECT_EQ(code_of([&] { unpack(boundless, folder / "out.db", listener); }), engine::ErrorCode::no_space);
}

/// A window of gigabytes is not given memory.
TEST_F(BackupDamageTest, FrameThatWantsAllMemoryIsRefused) {
  const std::string bytes = plain();
  std::string frame(ZSTD_compressBound(bytes.size()) + 64, '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 30);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer out{frame.data(), frame.size(), 0};
  while (ZSTD_compressStream2(context, &out, &in, in.pos < in.size ? ZSTD_e_continue : ZSTD_e_end) != 0 ||
         in.pos < in.size) {
  }
  ZSTD_freeCCtx(context);
  frame.resize(out.pos);
  data(frame);
  forge({{"bytes", frame.size()}, {"sha256", sha256_of(frame)}});
  expect_refused("window");
}

TEST_F(BackupDamageTest, WhatIsWrongIsSaid) {
  data(flipped(data_, data_.size() / 2));
  expect_refused("bit");
  data(data_.substr(0, 40));
  expect_refused("cut");
  manifest("{");
  expect_refused("manifest");
  std::filesystem::remove(good_.file);
  expect_refused("gone");
  EXPECT_NE(said_["cut"].find("has 40 bytes and had"), std::string::npos) << said_["cut"];
  EXPECT_NE(said_["manifest"].find("is no JSON"), std::string::npos) << said_["manifest"];
  EXPECT_NE(said_["gone"].find("is not there"), std::string::npos) << said_["gone"];
  EXPECT_NE(said_["bit"].find("damaged"), std::string::npos) << said_["bit"];
}

}  // namespace
}  // namespace belay::recovery
