#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace belay::engine::drivers {

/// Numbers as SQLite's files have them: most significant byte first.
inline std::uint32_t big_endian(std::string_view bytes, std::size_t offset, std::size_t size = 4) {
  std::uint32_t number = 0;
  for (const char byte : bytes.substr(offset, size)) number = number << 8U | static_cast<unsigned char>(byte);
  return number;
}

inline void append_big_endian(std::string& bytes, std::uint32_t number) {
  for (unsigned shift = 32; shift > 0; shift -= 8) bytes += static_cast<char>(number >> (shift - 8) & 0xFFU);
}

inline void set_big_endian(std::string& bytes, std::size_t offset, std::uint32_t number) {
  std::string written;
  append_big_endian(written, number);
  bytes.replace(offset, written.size(), written);
}

}  // namespace belay::engine::drivers
