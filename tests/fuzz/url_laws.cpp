#include <filesystem>
#include <optional>
#include <string>

#include "engine/connection.h"
#include "engine/error.h"
#include "tests/fuzz/laws.h"

namespace belay::fuzz {
namespace {

constexpr const char* folder = "/no/such folder";

std::string path_of(const std::string& url, const std::string& base) {
  return engine::DatabaseUrl::parse(url, base).path;
}

}  // namespace

std::string url_law_broken_by(std::string_view text) {
  std::optional<engine::DatabaseUrl> url;
  try {
    url = engine::DatabaseUrl::parse(text, folder);
  } catch (const engine::Error& error) {
    if (error.code() != engine::ErrorCode::bad_url) return "it is refused as something else than a bad URL";
    return error.next().empty() ? "it is refused without advice" : "";
  }
  const std::string& path = url->path;
  if (url->driver != "sqlite") return "it has a driver that there is not";
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) return "it is no absolute path: " + path;
  if (std::filesystem::path(path).lexically_normal() != path) return "its path is not normal: " + path;
  if (path.ends_with('/') || path.find_first_of("?#") != std::string::npos) return "it names no file: " + path;
  for (const char* form : {"", "sqlite:", "sqlite:///"})
    if (path_of(form + path, "/elsewhere") != path) return "its path is another one as a URL: " + (form + path);
  return "";
}

}  // namespace belay::fuzz
