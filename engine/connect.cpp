#include <filesystem>
#include <fstream>
#include <system_error>

#include "engine/connection.h"
#include "engine/drivers/sqlite.h"
#include "engine/drivers/sqlite_place.h"

namespace belay::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view advice =
    "write it as sqlite:app.db, sqlite:///app.db, sqlite:/absolute/app.db or a plain path";

/// The path in `sqlite:PATH` or `sqlite://[/PATH]`.
std::string_view sqlite_path(std::string_view rest, std::string_view url) {
  if (!rest.starts_with("//")) return rest;
  rest.remove_prefix(2);
  if (!rest.starts_with('/'))
    throw Error(ErrorCode::bad_url, "a SQLite database is on no host: " + std::string(url)).next(std::string(advice));
  return rest.substr(1);
}

bool is_scheme(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";
  return text.size() > 1 && text.find_first_not_of(letters) == std::string_view::npos;
}

/// Every way to name a database leads to the one journal beside it, also before the database is there: then the last
/// link leads to nothing. A circle of links is left to whoever opens it.
fs::path follow_links(const fs::path& path) {
  std::error_code error;
  fs::path real = fs::weakly_canonical(path, error);
  for (std::error_code absent; !error && fs::is_symlink(fs::symlink_status(real, absent));)
    real = fs::weakly_canonical(real.parent_path() / fs::read_symlink(real, error), error);
  return error ? path : real;
}

}  // namespace

DatabaseUrl DatabaseUrl::parse(std::string_view url, const std::string& folder) {
  std::string_view path = url;
  if (const auto colon = url.find(':'); colon != std::string_view::npos && is_scheme(url.substr(0, colon))) {
    const auto scheme = url.substr(0, colon);
    if (scheme != "sqlite")
      throw Error(ErrorCode::bad_url, "no driver for " + std::string(scheme) + ": databases; this belay knows sqlite:")
          .next(std::string(advice));
    path = sqlite_path(url.substr(colon + 1), url);
  }
  if (path.empty() || path.ends_with('/'))
    throw Error(ErrorCode::bad_url, "the database URL names no file: \"" + std::string(url) + "\"")
        .next(std::string(advice));
  if (path == ":memory:" || path.find_first_of("?#") != std::string_view::npos || path.find('\0') != path.npos)
    throw Error(ErrorCode::bad_url, "not the path of a database file: \"" + std::string(url) + "\"")
        .next(std::string(advice));

  const fs::path full = (fs::path(folder) / fs::path(path)).lexically_normal();
  if (!full.has_filename())
    throw Error(ErrorCode::bad_url, "the database URL names a folder: \"" + std::string(url) + "\"")
        .next(std::string(advice));
  return {"sqlite", follow_links(full).string()};
}

std::unique_ptr<Connection> connect(const DatabaseUrl& url, const ConnectionOptions& options) {
  try {
    return drivers::open_sqlite(url.path, options);  // The one driver so far; DatabaseUrl::parse lets no other through.
  } catch (Error& error) {
    error.at(url.path, 0, "");
    throw;
  }
}

std::unique_ptr<Connection> connect_scratch(const DatabaseUrl& /*like*/) {
  return drivers::open_sqlite(drivers::in_memory, {});  // Likewise.
}

void Connection::restore(const Restoration& /*what*/, Seals& /*seals*/) {
  throw Error(ErrorCode::foreign_writes, "this kind of database keeps no before-images");
}

void Connection::copy_to(const std::string& path, const CopyProgress& /*progress*/) {
  throw Error(ErrorCode::unavailable, "this kind of database cannot be copied to " + path);
}

void Connection::replace_with(const std::string& path, const CopyProgress& /*progress*/) {
  throw Error(ErrorCode::unavailable, "this kind of database cannot be replaced by " + path);
}

bool exists(const DatabaseUrl& url) {
  std::error_code error;
  if (fs::is_directory(url.path, error)) return true;
  const auto size = fs::file_size(url.path, error);
  return !error && size > 0;
}

bool looks_sound(const DatabaseUrl& url) {
  constexpr std::string_view magic("SQLite format 3\0",
                                   16);  // https://www.sqlite.org/fileformat2.html#the_database_header
  std::ifstream file(url.path, std::ios::binary);
  std::string head(magic.size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return file.gcount() == 0 || head == magic;
}

std::vector<User> users(const DatabaseUrl& url) {
  return drivers::users_of(url.path);
}

}  // namespace belay::engine
