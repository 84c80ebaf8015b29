#include "recovery/backup_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "recovery/backup_archive.h"
#include "recovery/error.h"

namespace belay::recovery {
namespace {

using Json = nlohmann::json;  // Its keys are sorted, so that a checksum does not depend on their order.

constexpr const char* checksum = "checksum";
constexpr int depth_max = 4;
constexpr std::uint64_t bytes_max = std::uint64_t{1} << 60U;
constexpr std::size_t text_max = 4096;

Error damaged(const std::string& what) {
  return {ErrorCode::backup_damaged, "its manifest " + what};
}

std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// --- Writing ---

Json to_json(const BackupPart& part) {
  return {{"suffix", part.suffix},
          {"bytes", part.bytes},
          {"sha256", part.sha256},
          {"content_bytes", part.content_bytes},
          {"content_sha256", part.content_sha256}};
}

Json to_json(const Manifest& manifest) {
  Json json = to_json(manifest.data);
  json.erase("suffix");
  json.update({{"format", Manifest::format},
               {"id", manifest.id},
               {"created", manifest.created},
               {"belay", manifest.version},
               {"database", manifest.database},
               {"database_id", manifest.database_id},
               {"last_lsn", manifest.last_lsn.value},
               {"revision", manifest.revisions},
               {"fingerprint", manifest.fingerprint},
               {"journal_mode", manifest.journal_mode},
               {"page_size", manifest.page_size},
               {"reason", manifest.reason},
               {"state", std::string(name_of(manifest.state))},
               {"packed", manifest.packed}});
  if (manifest.others.empty()) return json;
  Json others = Json::array();
  for (const auto& part : manifest.others) others.push_back(to_json(part));
  json["others"] = others;
  return json;
}

// --- Reading ---

bool shallow(const Json& json, int depth = 0) {
  if (depth > depth_max) return false;
  return std::all_of(json.begin(), json.end(),
                     [&](const Json& child) { return !child.is_structured() || shallow(child, depth + 1); });
}

const Json& at(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) throw damaged(fmt::format("has no {}", key));
  return *found;
}

/// Text that a terminal can be given.
std::string text_of(const Json& value, const char* key) {
  const auto* text = value.get_ptr<const std::string*>();
  const auto control = [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; };
  if (!text || text->size() > text_max || std::any_of(text->begin(), text->end(), control))
    throw damaged(fmt::format("has no plain text as {}", key));
  return *text;
}

std::string text_at(const Json& json, const char* key) {
  return text_of(at(json, key), key);
}

std::uint64_t number_at(const Json& json, const char* key, std::uint64_t max = bytes_max) {
  const Json& value = at(json, key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max)
    throw damaged(fmt::format("has no sensible number as {}", key));
  return value.get<std::uint64_t>();
}

std::string sha256_at(const Json& json, const char* key) {
  std::string text = text_at(json, key);
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw damaged(fmt::format("has no SHA-256 as {}", key));
  return text;
}

BackupPart part_of(const Json& json) {
  return {.suffix = "",
          .bytes = number_at(json, "bytes"),
          .sha256 = sha256_at(json, "sha256"),
          .content_bytes = number_at(json, "content_bytes"),
          .content_sha256 = sha256_at(json, "content_sha256")};
}

/// The suffixes become names of files.
std::vector<BackupPart> others_of(const Json& json) {
  std::vector<BackupPart> parts;
  if (!json.contains("others")) return parts;
  if (!json["others"].is_array()) throw damaged("has no list as others");
  for (const auto& other : json["others"]) {
    if (!other.is_object()) throw damaged("has something else than files as others");
    parts.push_back(part_of(other));
    parts.back().suffix = text_at(other, "suffix");
    if (parts.back().suffix != "-wal" && parts.back().suffix != "-journal")
      throw damaged("names a file that no database has");
  }
  return parts;
}

std::vector<std::string> revisions_of(const Json& json) {
  const Json& list = at(json, "revision");
  if (!list.is_array()) throw damaged("has no list as revision");
  std::vector<std::string> revisions;
  for (const auto& revision : list) revisions.push_back(text_of(revision, "revision"));
  return revisions;
}

Manifest::State state_of(const Json& json) {
  const std::string text = text_at(json, "state");
  for (const auto state : {Manifest::State::verified, Manifest::State::damaged})
    if (text == name_of(state)) return state;
  throw damaged("has an unknown state");
}

Json parse_json(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw damaged("is no JSON: it was cut short or changed");
  if (!json.is_object() || !shallow(json)) throw damaged("is JSON of another shape");
  return json;
}

/// Before anything else is asked of it: a later format may be all different.
void require_format(const Json& json) {
  const auto format = number_at(json, "format", std::numeric_limits<std::int32_t>::max());
  if (format > Manifest::format)
    throw Error(ErrorCode::newer_backup,
                fmt::format("a later version of belay has made this backup: its format is {}, and this belay knows {}",
                            format, Manifest::format));
  if (format < Manifest::format) throw damaged("has a format that never was");
}

void require_checksum(Json json) {
  const std::string promised = sha256_at(json, checksum);
  json.erase(checksum);
  if (sha256_of(dump(json)) != promised) throw damaged("was changed: its checksum does not fit");
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string_view name_of(Manifest::State state) {
  return state == Manifest::State::verified ? "verified" : "damaged";
}

std::string to_text(const Manifest& manifest) {
  // What is not UTF-8 is replaced once, here, so that it reads back as what the checksum was made of.
  Json json = Json::parse(dump(to_json(manifest)));
  json[checksum] = sha256_of(dump(json));
  return dump(json, 2) + "\n";
}

Manifest parse_manifest(std::string_view text) {
  const Json json = parse_json(text);
  require_format(json);
  require_checksum(json);
  Manifest manifest{.id = text_at(json, "id"),
                    .created = text_at(json, "created"),
                    .version = text_at(json, "belay"),
                    .database = text_at(json, "database"),
                    .database_id = text_at(json, "database_id"),
                    .last_lsn = {number_at(json, "last_lsn", std::numeric_limits<std::uint64_t>::max())},
                    .revisions = revisions_of(json),
                    .fingerprint = text_at(json, "fingerprint"),
                    .journal_mode = text_at(json, "journal_mode"),
                    .page_size = number_at(json, "page_size", 65536),
                    .reason = text_at(json, "reason"),
                    .state = state_of(json),
                    .packed = true,
                    .data = part_of(json),
                    .others = others_of(json)};
  const Json& packed = at(json, "packed");
  if (!packed.is_boolean()) throw damaged("does not say whether the data is packed");
  manifest.packed = packed.get<bool>();
  BackupId id;
  if (!BackupId::parse(manifest.id, id)) throw damaged("has no id");
  return manifest;
}

bool BackupId::parse(std::string_view text, BackupId& id) {
  constexpr std::string_view shape = "00000000T000000Z";
  if (text.size() < shape.size() || text[8] != 'T' || text[15] != 'Z') return false;
  if (!all_digits(text.substr(0, 8)) || !all_digits(text.substr(9, 6))) return false;
  id.time = text.substr(0, shape.size());
  id.number = 1;
  std::string_view rest = text.substr(shape.size());
  if (rest.empty()) return true;
  rest.remove_prefix(1);
  if (text[shape.size()] != '-' || rest.size() > 6 || !all_digits(rest) || rest[0] == '0') return false;
  std::from_chars(rest.data(), rest.data() + rest.size(), id.number);
  return id.number > 1;
}

std::string BackupId::text() const {
  return number == 1 ? time : fmt::format("{}-{}", time, number);
}

}  // namespace belay::recovery
