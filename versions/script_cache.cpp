#include "versions/script_cache.h"

#include <xxhash.h>
#include <ctime>

#include <algorithm>
#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <exception>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

namespace belay::versions {

// For cereal: what is kept of each.

template <class Archive>
void serialize(Archive& archive, RevisionId& id) {
  archive(id.text);
}

template <class Archive>
void serialize(Archive& archive, ScriptCache::State& state) {
  archive(state.inode, state.size, state.modified_ns, state.changed_ns);
}

template <class Archive>
void serialize(Archive& archive, ScriptCache::Head& head) {
  Script& script = head.script;
  bool has_down = script.down.has_value();
  archive(head.name, head.state, script.id, script.parents, script.parent_by_order, script.message, script.created,
          script.irreversible, script.digest, has_down);
  if (has_down && !script.down) script.down.emplace();
}

namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "belay scripts 1\n";

/// Below this many, reading them is as fast.
constexpr std::size_t heads_min = 200;

/// The ticks of file systems: the kernel's, where times have fractions of a second; else the coarsest known, FAT's.
constexpr std::int64_t fine_tick_ns = 100'000'000;
constexpr std::int64_t coarse_tick_ns = 2'000'000'000;
constexpr std::int64_t second_ns = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * second_ns + time.tv_nsec;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

ScriptCache::State state_of(const struct stat& status) {
  return {.inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

Script head_of(const Script& script) {
  Script head{.id = script.id,
              .parents = script.parent_by_order ? std::vector<RevisionId>() : script.parents,
              .message = script.message,
              .created = script.created,
              .file = {},
              .up = {},
              .verify = {},
              .down = {},
              .irreversible = script.irreversible,
              .digest = script.digest,
              .parent_by_order = script.parent_by_order,
              .whole = false};
  if (script.down) head.down.emplace();
  return head;
}

/// The payload of a file that is whole; else nothing.
std::string read_payload(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  std::uint64_t checksum = 0;
  const std::size_t header = magic.size() + sizeof checksum;
  if (bytes.size() < header || !std::string_view(bytes).starts_with(magic)) return {};
  bytes.copy(reinterpret_cast<char*>(&checksum), sizeof checksum, magic.size());
  bytes.erase(0, header);
  return XXH3_64bits(bytes.data(), bytes.size()) == checksum ? bytes : std::string();
}

}  // namespace

ScriptCache::ScriptCache(fs::path file, const fs::path& folder)
    : file_(std::move(file)), folder_(folder.string()), began_ns_(now_ns()) {
  std::istringstream payload(read_payload(file_));
  if (payload.view().empty()) return;
  std::string of_folder;
  try {
    cereal::PortableBinaryInputArchive archive(payload);
    archive(of_folder, known_);
  } catch (const std::exception&) {  // A file that somebody else has written.
    known_.clear();
  }
  if (of_folder != folder_) known_.clear();
  by_name_.reserve(known_.size());
  for (Head& head : known_) by_name_.emplace(head.name, &head);
}

std::optional<Script> ScriptCache::take(const std::string& name, const struct stat& now) {
  const auto known = by_name_.find(name);
  if (known == by_name_.end() || known->second->state != state_of(now)) return std::nullopt;
  ++taken_;
  Script script = std::move(known->second->script);
  script.whole = false;
  return script;
}

void ScriptCache::add(const std::string& name, const struct stat& status) {
  const State state = state_of(status);
  if (is_settled(state)) files_.emplace(name, state);
}

bool ScriptCache::is_settled(const State& state) const {
  const bool has_fractions = state.modified_ns % second_ns != 0 || state.changed_ns % second_ns != 0;
  const std::int64_t tick = has_fractions ? fine_tick_ns : coarse_tick_ns;
  return std::max(state.modified_ns, state.changed_ns) + tick <= began_ns_;
}

void ScriptCache::save(const std::vector<Script>& scripts) {
  const bool is_news = !files_.empty() || taken_ != known_.size();
  if (!is_news || scripts.size() < heads_min) return;
  std::vector<Head> heads;
  heads.reserve(scripts.size());
  for (const Script& script : scripts) {
    const std::string name = script.file.filename().string();
    const auto known = by_name_.find(name);
    const auto added = files_.find(name);
    if (added == files_.end() && (script.whole || known == by_name_.end())) continue;  // Too young.
    heads.push_back({name, added == files_.end() ? known->second->state : added->second, head_of(script)});
  }
  std::ostringstream payload;
  cereal::PortableBinaryOutputArchive archive(payload);
  archive(folder_, heads);
  const std::string_view bytes = payload.view();
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
  const fs::path aside = file_.string() + ".new";
  std::ofstream stream(aside, std::ios::binary | std::ios::trunc);
  stream << magic;
  stream.write(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  stream << bytes;
  stream.close();
  std::error_code error;
  if (stream) fs::rename(aside, file_, error);
  if (!stream || error) fs::remove(aside, error);
}

}  // namespace belay::versions
