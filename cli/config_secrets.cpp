#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "cli/config.h"
#include "cli/config_expand.h"

namespace belay::cli {
namespace {

constexpr std::string_view spaces = " \t\r\n\v\f";
constexpr std::string_view mask = "***";
constexpr std::array<std::string_view, 7> secret_words{"password", "passwd", "passphrase", "pwd",
                                                       "secret",   "token",  "key"};

/// What a name may consist of; it reaches back from its `=` as far as that.
bool is_name_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' || c == '%';
}

/// The `5432/db` of `://host:5432/db?mail=a@b`, where no password is.
bool is_port(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  return end != 0 && end != std::string_view::npos && (text[end] == '/' || text[end] == '?' || text[end] == '#');
}

/// Passwords are often not encoded as they should be, so one goes on to the last `@` of the word, whatever lies
/// between.
std::string hide_password(std::string_view word) {
  const std::size_t at = word.rfind('@');
  std::size_t scheme = at == std::string_view::npos ? at : word.find("://");
  for (; scheme < at; scheme = word.find("://", scheme + 3)) {
    const std::size_t colon = word.find(':', scheme + 3);
    if (colon >= at) break;
    if (word[scheme + 3] == '/' || is_port(word.substr(colon + 1, at - colon - 1))) continue;
    return std::string(word.substr(0, colon + 1)).append(mask).append(word.substr(at));
  }
  return std::string(word);
}

std::string hide_passwords(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t gap = std::min(text.find_first_not_of(spaces), text.size());
    const std::size_t end = std::min(text.find_first_of(spaces, gap), text.size());
    result += text.substr(0, gap);
    result += hide_password(text.substr(gap, end - gap));
    text.remove_prefix(end);
  }
  return result;
}

/// How long the value at the start of `text` is: what is in quotes, and on to a space or the next parameter.
std::size_t value_size(std::string_view text) {
  std::size_t begin = 0;
  if (text.starts_with('"') || text.starts_with('\''))
    begin = std::min(text.find(text.front(), 1), text.size() - 1) + 1;
  return std::min(text.find_first_of(" \t\r\n\v\f&", begin), text.size());
}

std::string hide_values(std::string_view text) {
  std::string result;
  for (std::size_t equals = text.find('='); equals != std::string_view::npos; equals = text.find('=')) {
    std::size_t name = equals;
    while (name > 0 && is_name_letter(text[name - 1])) --name;
    result += text.substr(0, equals + 1);
    const bool secret = names_secret(text.substr(name, equals - name));
    text.remove_prefix(equals + 1);
    const std::size_t size = secret ? value_size(text) : 0;
    if (size > 0) result += mask;
    text.remove_prefix(size);
  }
  return result += text;
}

}  // namespace

bool names_secret(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(secret_words, [&](std::string_view word) { return lower.find(word) != lower.npos; });
}

std::string hide_secrets(const std::string& url_or_text) {
  return hide_values(hide_passwords(url_or_text));
}

}  // namespace belay::cli
