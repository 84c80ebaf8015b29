#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "versions/script.h"

namespace belay::versions {

enum class MarkerKind : std::uint8_t { up, down, verify, step };

/// A line such as `-- migrate:step backfill batch:5000 over:rooms.id`.
struct Marker {
  MarkerKind kind = MarkerKind::up;
  std::string name;  ///< Of a step; may be empty.
  std::optional<bool> transactional;
  bool repeatable = false;
  std::optional<Batch> batch;
  std::optional<schema::Rebuild> rebuild;
  std::optional<std::string> irreversible;
};

/// Reads a line comment, given with its `--`. Nothing for an ordinary comment.
/// @throws Error `malformed` at `line` for a marker with wrong options, and for what was meant to be a marker: a
///         misspelt one, or one of another tool. Such a line must never pass as a comment, or the statements below it
///         would run in the wrong section.
std::optional<Marker> read_marker(std::string_view comment, int line);

}  // namespace belay::versions
