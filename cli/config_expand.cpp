#include "cli/config_expand.h"

#include <fmt/format.h>

#include <algorithm>

namespace belay::cli {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
constexpr std::string_view name_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
constexpr std::string_view hint = "write `${NAME}` or `${NAME:-default}`; `$$` is a plain dollar";

/// The default of a reference, in which `$$` is a plain dollar as everywhere.
std::string plain(std::string_view text, const Place& place) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dollar = text[i] == '$' && i + 1 < text.size();
    if (dollar && text[i + 1] == '{') refuse(place, "a default cannot refer to another variable", std::string(hint));
    if (dollar && text[i + 1] == '$') ++i;
    result += text[i];
  }
  return result;
}

/// What stands between `${` and `}`.
struct Reference {
  Reference(std::string_view text, const Place& place)
      : name(text.substr(0, std::min(text.find_first_not_of(name_letters), text.size()))) {
    const std::string_view rest = text.substr(name.size());
    const bool named = !name.empty() && letters.find(name.front()) != std::string_view::npos;
    if (!named || !(rest.empty() || rest.starts_with(":-"))) {
      refuse(place, fmt::format("`${{{}}}` does not refer to a variable", text), std::string(hint));
    }
    if (!rest.empty()) fallback = plain(rest.substr(2), place);
  }

  std::string name;
  std::optional<std::string> fallback;
};

void append(Expanded& result, const Reference& reference, const Variable& variable, const Place& place) {
  const std::optional<std::string> found = variable(reference.name);
  if (!found && !reference.fallback) {
    refuse(place, fmt::format("the environment variable {} is unset or empty", reference.name),
           fmt::format("set it, or write `${{{}:-default}}`", reference.name));
  }
  result.value += found ? *found : *reference.fallback;
  result.shown += !found ? *reference.fallback : names_secret(reference.name) ? "***" : *found;
}

}  // namespace

Expanded expand(const Text& text, const Variable& variable) {
  Expanded result;
  std::string_view rest = text.text;
  for (std::size_t dollar = rest.find('$'); dollar != std::string_view::npos; dollar = rest.find('$')) {
    result.value += rest.substr(0, dollar);
    result.shown += rest.substr(0, dollar);
    rest.remove_prefix(dollar + 1);
    if (rest.starts_with('{')) {
      const std::size_t end = rest.find('}');
      if (end == std::string_view::npos) refuse(text.place, "a `${` is not closed by `}`", std::string(hint));
      append(result, Reference(rest.substr(1, end - 1), text.place), variable, text.place);
      rest.remove_prefix(end + 1);
    } else {
      if (rest.starts_with('$')) rest.remove_prefix(1);
      result.value += '$';
      result.shown += '$';
    }
  }
  result.value += rest;
  result.shown += rest;
  return result;
}

}  // namespace belay::cli
