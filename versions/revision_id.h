#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::versions {

/// The name of a revision: 1 to 64 letters, digits, `_`, `-` and `.`, the first a letter or a digit. Equal names are
/// equal byte for byte.
struct RevisionId {
  std::string text;

  friend auto operator<=>(const RevisionId&, const RevisionId&) = default;

  /// Whether `text` may name a revision. The words that targets use (`head`, `heads`, `base`, `current`) may not.
  static bool valid(std::string_view text);
};

/// The ids as they are written.
std::vector<std::string> texts(const std::vector<RevisionId>& ids);

}  // namespace belay::versions

template <>
struct std::hash<belay::versions::RevisionId> {
  std::size_t operator()(const belay::versions::RevisionId& id) const noexcept {
    return std::hash<std::string>{}(id.text);
  }
};
