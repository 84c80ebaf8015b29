#pragma once

#include <string_view>

#include "versions/schema/object.h"

namespace belay::versions::schema {

/// Reads one CREATE statement by SQLite's grammar (https://www.sqlite.org/lang_createtable.html and its neighbours), of
/// which it asks no more than it needs: what SQLite has accepted is understood.
/// @returns `monostate` for anything else, CREATE TABLE … AS among it: in a catalogue that has become a plain one.
Definition parse_object(std::string_view sql);

}  // namespace belay::versions::schema
