#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace belay::cli {

/// The template of a project without one of its own; also what `belay init` writes.
extern const std::string_view default_template;

/// The other files that `belay init` writes.
extern const std::string_view default_config;
extern const std::string_view default_schema;

using Placeholders = std::vector<std::pair<std::string_view, std::string>>;

/// Replaces each `{{name}}`.
/// @param file  names the template in errors.
/// @throws Error exit_config for a name that `values` does not have, with the nearest that it has.
std::string fill_template(std::string_view text, const Placeholders& values, const std::string& file);

/// What a script is to be filled with.
struct Sections {
  std::string up;  ///< SQL that ends in a line feed, or nothing.
  std::string down;
  std::string irreversible{};  ///< Why there is no way back; empty when there is.
};

/// Puts them behind the lines `-- migrate:up` and `-- migrate:down`, before whatever a template has there.
/// @param file  names the template in errors.
/// @throws Error exit_config when it has no such lines.
std::string fill_sections(std::string_view text, const Sections& sections, const std::string& file);

/// `add rooms, again!` becomes `add_rooms_again`: letters, digits and `_`, at most 60 bytes, never in the middle of a
/// UTF-8 character.
std::string slug(std::string_view message);

}  // namespace belay::cli
