#include "journal/mapped_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace belay::journal {
namespace {

/// Less is not worth reading it again.
constexpr std::size_t kept_bytes_max = std::size_t{8} << 20U;

}  // namespace

/// A line is `begin-end permissions …`, the addresses in hexadecimal.
MappedMemory MappedMemory::around(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream mappings("/proc/self/maps");
  for (std::string line; std::getline(mappings, line);) {
    std::size_t dash = 0;
    std::size_t length = 0;
    const std::uintptr_t begin = std::stoul(line, &dash, 16);
    const std::uintptr_t end = std::stoul(line.substr(dash + 1), &length, 16);
    if (wanted < begin || wanted >= end) continue;
    if (line.substr(dash + 1 + length, 5) != " r--s") return {};
    return {static_cast<char*>(const_cast<void*>(address)) - (wanted - begin), end - begin};
  }
  return {};
}

void MappedMemory::let_go() const {
  if (size_ > kept_bytes_max) ::madvise(begin_, size_, MADV_DONTNEED);
}

}  // namespace belay::journal
