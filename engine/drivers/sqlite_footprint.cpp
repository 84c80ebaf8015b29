#include "engine/drivers/sqlite_footprint.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

/// Takes `name=value`, cut off at the next space, from the front of the text.
std::string_view take(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || text.substr(name.size(), 1) != "=")
    throw Error(ErrorCode::foreign_writes, "the footprint of the database cannot be read");
  text.remove_prefix(name.size() + 1);
  const auto value = text.substr(0, text.find(' '));
  text.remove_prefix(value.size() < text.size() ? value.size() + 1 : value.size());
  return value;
}

template <typename Number>
void take_number(std::string_view& text, std::string_view name, Number& number, int base = 10) {
  const auto value = take(text, name);
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number, base);
  if (code != std::errc() || end != value.data() + value.size())
    throw Error(ErrorCode::foreign_writes, "the footprint of the database has a number that is none");
}

}  // namespace

std::string SqliteFootprint::text() const {
  return fmt::format("pages={} page_size={} counter={} schema={} mode={} frames={} salt={:x} modified={}", pages,
                     page_size, counter, schema, wal ? "wal" : "rollback", frames, salt, modified);
}

SqliteFootprint SqliteFootprint::parse(std::string_view text) {
  SqliteFootprint footprint;
  take_number(text, "pages", footprint.pages);
  take_number(text, "page_size", footprint.page_size);
  take_number(text, "counter", footprint.counter);
  take_number(text, "schema", footprint.schema);
  footprint.wal = take(text, "mode") == "wal";
  take_number(text, "frames", footprint.frames);
  take_number(text, "salt", footprint.salt, 16);
  footprint.modified = take(text, "modified");
  return footprint;
}

bool nobody_wrote_between(const SqliteFootprint& end, const SqliteFootprint& next) {
  if (end.frames > 0 || next.frames > 0) return end.frames == next.frames && end.salt == next.salt;
  if (end.pages != next.pages || end.page_size != next.page_size || end.counter != next.counter) return false;
  return (!end.wal && !next.wal) || end.modified == next.modified;
}

}  // namespace belay::engine::drivers
