#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "versions/error.h"
#include "versions/graph.h"
#include "versions/script.h"

namespace belay::versions {

/// What `action` throws, which it must.
template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::malformed, "nothing was thrown"};
}

/// A script with an empty `down`, in the file `ID.sql`, whose digest is `digest of ID`.
inline Script revision(const std::string& id, std::initializer_list<const char*> parents = {}) {
  Script script;
  script.id = {id};
  for (const char* parent : parents) script.parents.push_back({parent});
  script.file = id + ".sql";
  script.down.emplace();
  script.digest = "digest of " + id;
  return script;
}

inline std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// The ids at `positions`, or all of them, in the graph's order.
inline std::string ids_of(const Graph& graph, const std::vector<std::size_t>& positions) {
  std::vector<std::string> ids;
  for (const std::size_t position : positions) ids.push_back(graph.scripts()[position].id.text);
  return join(ids);
}

inline std::string ids_of(const std::vector<Script>& scripts) {
  std::vector<std::string> ids;
  for (const Script& script : scripts) ids.push_back(script.id.text);
  return join(ids);
}

}  // namespace belay::versions
