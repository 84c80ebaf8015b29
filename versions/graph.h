#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "versions/script.h"

namespace belay::versions {

/// The revisions as a directed acyclic graph. Positions are indices into `scripts()`, where parents stand before their
/// children and, among equals, the order is the one given. All operations are linear at worst and none recurses.
class Graph {
 public:
  /// @throws Error `duplicate_revision`, `missing_parent` (with the nearest id), `cycle` (naming its revisions in
  ///         order), each with the file.
  explicit Graph(std::vector<Script> scripts);

  [[nodiscard]] const std::vector<Script>& scripts() const { return scripts_; }
  [[nodiscard]] std::size_t size() const { return scripts_.size(); }

  /// The script of that very id, or null.
  [[nodiscard]] const Script* find(const RevisionId& id) const;

  /// The position of an id or of an unambiguous prefix of one. An exact id wins over a longer one that it begins.
  /// @throws Error `unknown_revision` with the nearest id, `ambiguous_revision` with those that fit.
  [[nodiscard]] std::size_t resolve(std::string_view id_or_prefix) const;

  /// The position of an id that is known to be here.
  [[nodiscard]] std::size_t position(const RevisionId& id) const;

  [[nodiscard]] const std::vector<std::size_t>& parents(std::size_t position) const { return parents_[position]; }
  [[nodiscard]] const std::vector<std::size_t>& children(std::size_t position) const { return children_[position]; }

  /// Reads what is not there of scripts that are not `whole`.
  /// @throws what versions::whole throws.
  void complete();

  /// Positions that no revision has as a parent, in order.
  [[nodiscard]] std::vector<std::size_t> heads() const;

  /// Marks `from` and all their ancestors.
  [[nodiscard]] std::vector<bool> ancestors(const std::vector<std::size_t>& from) const;
  /// Marks `from` and all their descendants.
  [[nodiscard]] std::vector<bool> descendants(const std::vector<std::size_t>& from) const;

 private:
  std::vector<Script> scripts_;
  std::unordered_map<RevisionId, std::size_t> positions_;
  std::vector<std::vector<std::size_t>> parents_;
  std::vector<std::vector<std::size_t>> children_;
};

}  // namespace belay::versions
