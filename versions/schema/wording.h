#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// What makes these two objects of one kind and name different, for a person; a line for each. Never empty when their
/// canonical forms differ.
std::vector<std::string> describe_change(const Object& before, const Object& after);

/// `what before → after`: both whole where they are short, else from a little before the first token that differs.
std::string describe_change(std::string_view what, std::string_view before, std::string_view after);

}  // namespace belay::versions::schema
