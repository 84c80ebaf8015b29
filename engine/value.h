#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace belay::engine {

using Blob = std::vector<std::byte>;

/// A value of a database: NULL, integer, floating point, text (UTF-8) or bytes.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Row = std::vector<Value>;

/// The value as an SQL literal that reads back as the very same value.
std::string to_literal(const Value& value);

/// A name as standard SQL quotes it.
std::string quoted_name(std::string_view name);

/// Whether a `verify` query's first column lets the revision pass: neither NULL nor 0.
bool is_true(const Value& value);

}  // namespace belay::engine
