#include "recovery/rehearsal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "engine/clock.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void raise(const std::error_code& code, const char* doing, const fs::path& path) {
  const bool full = code == std::errc::no_space_on_device;
  throw engine::Error(full ? engine::ErrorCode::no_space : engine::ErrorCode::unavailable,
                      fmt::format("cannot {} {}: {}", doing, path.string(), code.message()));
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int code = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  if (code != 0) raise({code, std::generic_category()}, "sync", folder);
}

constexpr const char* backups = "backups";
constexpr std::string_view scratch_prefix = "undo.new";

/// A copy of a database that is there only as long as this is, with whatever is made beside it.
class Scratch {
 public:
  Scratch(fs::path folder, const char* name) : folder_(std::move(folder)), name_(std::string(scratch_prefix) + name) {}
  ~Scratch() { discard_scratch(folder_.parent_path()); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] fs::path file() const { return folder_ / name_; }

 private:
  fs::path folder_;
  std::string name_;
};

/// The trial goes on under no eyes but its own.
class Unheard final : public engine::BeforeImages {
  void keep(std::uint64_t /*place*/, std::string_view /*content*/) override {}
  void seal(const std::string& /*before*/, const std::string& /*after*/) override {}
};

std::unique_ptr<engine::Connection> open(const Target& target, const fs::path& file) {
  auto url = target.places().url;
  url.path = file.string();
  return engine::connect(url, {});
}

fs::path free_name(const fs::path& folder, journal::RunId run) {
  std::string time = engine::utc_now();
  std::erase_if(time, [](char letter) { return letter == '-' || letter == ':'; });
  const std::string name = fmt::format("before-undo-{}-run{}", time, run.value);
  fs::path file = folder / (name + ".db");
  for (int i = 2; fs::exists(file); ++i) file = folder / fmt::format("{}-{}.db", name, i);
  return file;
}

fs::path keep_copy(Target& target, const fs::path& folder, journal::RunId run) {
  const Scratch aside(folder, ".copy");
  target.connection().copy_to(aside.file().string());
  if (const auto damage = open(target, aside.file())->find_damage(); !damage.empty())
    throw Error(ErrorCode::foreign_writes, "the database is not sound as it is, so nothing is discarded: " + damage)
        .next("restore a backup");
  fs::path copy = free_name(folder, run);
  std::error_code error;
  fs::rename(aside.file(), copy, error);
  if (error) raise(error, "rename to", copy);
  sync_folder(folder);
  return copy;
}

/// @returns what is wrong with the result; empty when it is sound.
std::string try_on(const Target& target, const std::string& table, const fs::path& file,
                   const engine::Restoration& what, journal::Lsn previous) {
  const auto connection = open(target, file);
  Unheard unheard;
  connection->restore(what, unheard);
  const auto state = engine::VersionTable(*connection, table).state();
  const auto last_lsn = state ? state->last_lsn : journal::Lsn{};
  if (last_lsn != previous) return fmt::format("its last transaction is {} and not {}", last_lsn.value, previous.value);
  return connection->find_damage();
}

}  // namespace

void discard_scratch(const fs::path& journal_folder) noexcept {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(journal_folder / backups, ignored))
    if (entry.path().filename().string().starts_with(scratch_prefix)) fs::remove(entry.path(), ignored);
}

fs::path rehearse(Target& target, const engine::Restoration& what, journal::Lsn previous, journal::RunId run) {
  const fs::path folder = target.places().folder / backups;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) raise(error, "make", folder);
  fs::path copy = keep_copy(target, folder, run);

  const Scratch trial(folder, ".trial");
  fs::copy_file(copy, trial.file(), error);
  if (error) raise(error, "copy to", trial.file());
  const std::string damage = try_on(target, target.versions().name(), trial.file(), what, previous);
  if (damage.empty()) return copy;
  throw Error(
      ErrorCode::foreign_writes,
      fmt::format("what others have written since is so entangled with what is to be taken back that the result "
                  "would be damaged: {}; nothing was changed",
                  damage))
      .next("restore a backup; or write down scripts for what is to be taken back");
}

}  // namespace belay::recovery
