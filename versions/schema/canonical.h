#pragma once

#include <string>
#include <string_view>

#include "versions/schema/object.h"

namespace belay::versions::schema {

// The canonical form: one text for all spellings of the same thing (docs/schema.md). Parts are given one by one for
// those who say what has changed.

/// The canonical form of a whole object; of `monostate`, all tokens of `sql`.
std::string canonical(const Definition& definition, std::string_view sql);

/// An expression, a query or a body: its tokens with single spaces.
/// @param table  whose columns the expression can name: a double-quoted word that is none of them is a string, as
///               SQLite has it. Null when that cannot be told; then it is a name.
std::string canonical_expression(std::string_view sql, const Table* table = nullptr);

/// All that a column is, but for its name and the constraints that could as well stand behind all columns.
std::string canonical_type(const Column& column);
std::string canonical_not_null(const Column::NotNull& constraint);
std::string canonical_default(const Column::Default& value);
std::string canonical_generated(const Column::Generated& generated, const Table& table);

std::string canonical(const Constraint& constraint, const Table& table);

std::string canonical(const IndexedColumn& column);

}  // namespace belay::versions::schema
