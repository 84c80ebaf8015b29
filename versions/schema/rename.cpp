#include "versions/schema/rename.h"

#include <algorithm>
#include <utility>

#include "versions/words.h"

namespace belay::versions::schema {

Renames inverse(const Renames& renames) {
  Renames back = renames;
  for (auto& rename : back) {
    if (rename.kind == Rename::Kind::column) rename.table = old_table(renames, rename.table);
    std::swap(rename.from, rename.to);
  }
  return back;
}

std::string old_table(const Renames& renames, std::string_view table) {
  const auto found = std::ranges::find_if(renames, [table](const Rename& rename) {
    return rename.kind == Rename::Kind::table && equal_ignoring_case(rename.to, table);
  });
  return found == renames.end() ? std::string(table) : found->from;
}

std::string old_column(const Renames& renames, std::string_view table, std::string_view column) {
  const auto found = std::ranges::find_if(renames, [table, column](const Rename& rename) {
    return rename.kind == Rename::Kind::column && equal_ignoring_case(rename.table, table) &&
           equal_ignoring_case(rename.to, column);
  });
  return found == renames.end() ? std::string(column) : found->from;
}

}  // namespace belay::versions::schema
