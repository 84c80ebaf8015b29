#pragma once

#include <vector>

#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// Objects in an order in which they can be made, and that a person can follow: tables, those that others refer to
/// first; virtual tables; indexes; views, those that others read first; triggers. Within that, the order of the schema;
/// circles, which a database may allow, are cut somewhere. Turned round it is the order to drop them in.
std::vector<const Object*> in_order(const Schema& schema);

/// Whether the SQL of `object` has this name in it somewhere, as a name; what it means there is not asked.
bool mentions(const Object& object, std::string_view name);

}  // namespace belay::versions::schema
