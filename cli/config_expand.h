#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/config_file.h"

namespace belay::cli {

/// Looks up an environment variable; nothing when it is unset or empty.
using Variable = std::function<std::optional<std::string>(const std::string&)>;

struct Expanded {
  std::string value;
  std::string shown;  ///< The same, with `***` for each variable whose name speaks of a secret.
};

/// Replaces `${NAME}` and `${NAME:-default}` by the variable's value, which is not expanded again, and `$$` by `$`. A
/// dollar before anything else stays.
/// @throws ConfigError `malformed`, at the text's place, for a reference that is not closed, names no variable, or
///         names one that is unset and has no default.
Expanded expand(const Text& text, const Variable& variable);

/// True when a variable, key or parameter of this name holds something that is not to be shown.
bool names_secret(std::string_view name);

}  // namespace belay::cli
