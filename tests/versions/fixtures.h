#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
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

template <typename Items, typename TextOf>
std::string join(const Items& items, TextOf text_of) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ' ';
    text += text_of(item);
  }
  return text;
}

/// The pieces between the bars.
inline std::vector<std::string> divide(const std::string& text) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    if (c == '|') {
      pieces.emplace_back();
    } else {
      pieces.back() += c;
    }
  }
  return pieces;
}

inline std::string ids_of(const std::vector<RevisionId>& ids) {
  return join(ids, std::mem_fn(&RevisionId::text));
}

inline std::string ids_of(const std::vector<Script>& scripts) {
  return join(scripts, [](const Script& script) { return script.id.text; });
}

inline std::string ids_of(const Graph& graph, const std::vector<std::size_t>& positions) {
  return join(positions, [&graph](std::size_t position) { return graph.scripts()[position].id.text; });
}

}  // namespace belay::versions
