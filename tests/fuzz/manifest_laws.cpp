#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "recovery/backup_archive.h"
#include "recovery/backup_manifest.h"
#include "recovery/error.h"
#include "tests/fuzz/laws.h"

namespace belay::fuzz {
namespace {

using namespace recovery;
using Json = nlohmann::json;

/// Nothing when it is refused; an error of any other kind leaves.
std::optional<Manifest> read(std::string_view text) {
  try {
    return parse_manifest(text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::backup_damaged && error.code() != ErrorCode::newer_backup) throw;
    return std::nullopt;
  }
}

/// The same with the checksum that it should have, when it is an object at all.
std::string with_checksum(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::string(text);
  json.erase("checksum");
  const auto dump = [&json] { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  json["checksum"] = sha256_of(dump());
  return dump();
}

bool is_plain(const std::string& text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string part_law_broken_by(const BackupPart& part) {
  if (part.sha256.size() != 64 || part.content_sha256.size() != 64) return "a digest is none";
  return "";
}

std::string names_law_broken_by(const Manifest& manifest) {
  BackupId id;
  if (!BackupId::parse(manifest.id, id) || id.text() != manifest.id) return "its id is none: " + manifest.id;
  if (!manifest.data.suffix.empty()) return "the database's own file has a suffix: " + manifest.data.suffix;
  if (auto broken = part_law_broken_by(manifest.data); !broken.empty()) return broken;
  for (const auto& part : manifest.others) {
    if (part.suffix != "-wal" && part.suffix != "-journal") return "a file has a suffix that no database has";
    if (auto broken = part_law_broken_by(part); !broken.empty()) return broken;
  }
  for (const auto& text : {manifest.created, manifest.version, manifest.database, manifest.database_id,
                           manifest.fingerprint, manifest.journal_mode, manifest.reason})
    if (!is_plain(text)) return "a terminal would obey one of its texts";
  return std::ranges::all_of(manifest.revisions, is_plain) ? "" : "a terminal would obey a revision";
}

std::string written_law_broken_by(const Manifest& manifest) {
  const std::string written = to_text(manifest);
  const auto again = read(written);
  if (!again) return "what is written down is refused:\n" + written;
  return to_text(*again) == written ? "" : "what is written down reads as another:\n" + written;
}

/// One byte changed: which one, and to what, depends on the text.
std::string spoiled(std::string text) {
  std::size_t by = text.size();
  for (const char c : text) by = by * 31 + static_cast<unsigned char>(c);
  char& byte = text[by % text.size()];
  byte = static_cast<char>(byte ^ static_cast<char>(1 + by / text.size() % 255));
  return text;
}

std::string law_broken_by(const std::string& text) {
  const auto manifest = read(text);
  if (!manifest) return "";
  if (auto broken = names_law_broken_by(*manifest); !broken.empty()) return broken;
  if (auto broken = written_law_broken_by(*manifest); !broken.empty()) return broken;
  const auto changed = read(spoiled(text));
  return !changed || to_text(*changed) == to_text(*manifest) ? "" : "it reads as another with a byte changed";
}

}  // namespace

std::string manifest_law_broken_by(std::string_view text) {
  if (auto broken = law_broken_by(std::string(text)); !broken.empty()) return broken;
  return law_broken_by(with_checksum(text));
}

}  // namespace belay::fuzz
