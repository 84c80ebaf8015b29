#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"

namespace belay::cli {

// What every command that writes a script has in common.

/// A script that is about to be written.
struct NewScript {
  std::string id;
  std::string message;  ///< On one line.
  std::string created;
  std::string author;
  std::vector<std::size_t> parents;  ///< Positions in the graph.
  std::filesystem::path file;        ///< Absolute, in the folder of scripts.

  /// As a person is told of it: relative to where belay was started.
  [[nodiscard]] std::string shown_file() const;
};

/// With an id that is free, made from the time.
/// @throws Error exit_usage without a message.
NewScript new_script(const Config& config, const versions::Graph& graph, const std::string& message,
                     std::vector<std::size_t> parents);

/// The project's template with everything filled in; it can be read again.
/// @throws Error exit_config; versions::Error, with the template for its place where the project has one.
std::string script_from_template(const Config& config, const versions::Graph& graph, const NewScript& script);

/// @throws Error exit_refused when it is there already.
void write_new(const std::filesystem::path& file, const std::string& text);

/// What `--parent` says; without it the only head, or nothing.
/// @throws Error exit_refused when there are several heads; versions::Error.
std::vector<std::size_t> chosen_parents(Context& context);

/// `1001, 2001`, or `base`.
std::string parents_text(const versions::Graph& graph, const std::vector<std::size_t>& parents);

}  // namespace belay::cli
