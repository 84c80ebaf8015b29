#pragma once

#include <cstddef>

/// Offsets in the beginning of the first page (https://www.sqlite.org/fileformat2.html#the_database_header).
namespace belay::engine::drivers::header {

constexpr std::size_t size = 100;
constexpr std::size_t page_size = 16;
constexpr std::size_t write_version = 18;
constexpr std::size_t read_version = 19;
constexpr std::size_t reserved = 20;  ///< Bytes at the end of each page that are not used.
constexpr std::size_t counter = 24;
constexpr std::size_t pages = 28;
constexpr std::size_t schema = 40;
constexpr std::size_t largest_root = 52;  ///< Not 0 in a database with auto_vacuum.
constexpr std::size_t valid_for = 92;     ///< The counter that `pages` was written with.
constexpr std::size_t version = 96;       ///< Of SQLite; `valid_for` goes with it.

}  // namespace belay::engine::drivers::header
