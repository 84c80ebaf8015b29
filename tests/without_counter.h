#pragma once

#include <string>

namespace belay {

/// A database's file without the change counter and the number that goes with it: bytes 24 and 92 of the file format.
inline std::string without_counter(std::string bytes) {
  if (bytes.size() < 100) return bytes;
  bytes.replace(24, 4, 4, '\0');
  return bytes.replace(92, 4, 4, '\0');
}

}  // namespace belay
