#include "versions/revision_id.h"

#include <algorithm>
#include <array>

namespace belay::versions {
namespace {

constexpr std::size_t length_max = 64;
constexpr std::array<std::string_view, 4> target_words = {"head", "heads", "base", "current"};

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_allowed(char c) {
  return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
}

}  // namespace

bool RevisionId::valid(std::string_view text) {
  if (text.empty() || text.size() > length_max || !is_alphanumeric(text.front())) return false;
  if (std::ranges::find(target_words, text) != target_words.end()) return false;
  return std::ranges::all_of(text, is_allowed);
}

std::vector<std::string> texts(const std::vector<RevisionId>& ids) {
  std::vector<std::string> result;
  result.reserve(ids.size());
  for (const auto& id : ids) result.push_back(id.text);
  return result;
}

}  // namespace belay::versions
