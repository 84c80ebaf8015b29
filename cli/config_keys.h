#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/config.h"

namespace belay::cli {

/// Where a key's value goes. The type of the member is also the type that the value must have.
using Member = std::variant<std::string Config::*, std::filesystem::path Config::*, bool Config::*,
                            std::uint64_t Config::*, std::vector<std::string> Config::*>;

/// What else holds for a value.
enum class Rule {
  none,
  plain_name,  ///< A name that SQL takes without quotes, and that is not reserved.
  bytes        ///< A number of bytes, or a string with a number and a unit.
};

struct Key {
  std::string_view table;  ///< Empty for the top of the file, or of an environment.
  std::string_view name;
  Member member;
  Rule rule = Rule::none;
  std::span<const std::string_view> words = {};  ///< When only these are allowed.

  /// Such as `journal.path`.
  [[nodiscard]] std::string full_name() const {
    return table.empty() ? std::string(name) : std::string(table) + "." + std::string(name);
  }
};

inline constexpr std::array<std::string_view, 3> backup_moments{"auto", "always", "never"};
inline constexpr std::array<std::string_view, 2> recovery_policies{"forward", "back"};
inline constexpr std::array<std::string_view, 4> log_levels{"error", "warning", "info", "debug"};
inline constexpr std::array<std::string_view, 6> table_names{"journal", "backup",       "recovery",
                                                             "hooks",   "autogenerate", "log"};

/// Every key, in the order in which a person is shown them.
inline constexpr std::array known_keys{
    Key{"", "database", &Config::database},
    Key{"", "versions", &Config::versions},
    Key{"", "schema", &Config::schema},
    Key{"", "template", &Config::script_template},
    Key{"", "version_table", &Config::version_table, Rule::plain_name},
    Key{"", "protected", &Config::is_protected},
    Key{"", "secure_delete", &Config::secure_delete},
    Key{"journal", "path", &Config::journal_path},
    Key{"journal", "keep_runs", &Config::keep_runs},
    Key{"journal", "keep_bytes", &Config::keep_bytes, Rule::bytes},
    Key{"backup", "directory", &Config::backup_directory},
    Key{"backup", "keep", &Config::backup_keep},
    Key{"backup", "before", &Config::backup_before, Rule::none, backup_moments},
    Key{"recovery", "policy", &Config::recovery_policy, Rule::none, recovery_policies},
    Key{"hooks", "before_migrate", &Config::before_migrate},
    Key{"hooks", "after_migrate", &Config::after_migrate},
    Key{"hooks", "before_each", &Config::before_each},
    Key{"hooks", "after_each", &Config::after_each},
    Key{"autogenerate", "ignore", &Config::ignored},
    Key{"log", "file", &Config::log_file},
    Key{"log", "level", &Config::log_level, Rule::none, log_levels},
};

}  // namespace belay::cli
