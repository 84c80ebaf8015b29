#include "tests/faults/disk_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace belay::faults {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

bool is_zero(const char* block) {
  static constexpr DiskContent::Block zero{};
  return std::memcmp(block, zero.data(), block_bytes) == 0;
}

}  // namespace

void DiskContent::write(std::uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    const auto within = offset % block_bytes;
    const auto count = std::min<std::uint64_t>(block_bytes - within, data.size());
    std::memcpy(blocks_[offset / block_bytes].data() + within, data.data(), count);
    offset += count;
    data.remove_prefix(count);
  }
}

MemoryFile::MemoryFile(const char* name, std::uint64_t size)
    : descriptor_(::memfd_create(name, MFD_CLOEXEC)), size_(size) {
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail("a file in memory");
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (memory == MAP_FAILED) fail("map a file in memory");
  data_ = static_cast<char*>(memory);
}

MemoryFile::~MemoryFile() {
  ::munmap(data_, size_);
  ::close(descriptor_);
}

std::string MemoryFile::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
}

template <typename Act>
void MemoryFile::each_block(Act act) const {
  off_t begin = 0;
  while ((begin = ::lseek(descriptor_, begin, SEEK_DATA)) >= 0) {
    const off_t end = ::lseek(descriptor_, begin, SEEK_HOLE);
    for (auto block = static_cast<std::uint64_t>(begin) / block_bytes;
         block * block_bytes < static_cast<std::uint64_t>(end); ++block)
      act(block);
    begin = end;
  }
}

DiskContent MemoryFile::content() const {
  DiskContent content;
  each_block([&](std::uint64_t block) {
    const char* from = data_ + block * block_bytes;
    if (!is_zero(from)) content.write(block * block_bytes, {from, block_bytes});
  });
  return content;
}

void MemoryFile::become(const DiskContent& wanted) {
  auto next = wanted.blocks().begin();
  const auto fill_up_to = [&](std::uint64_t block) {  // These blocks are holes as yet.
    for (; next != wanted.blocks().end() && next->first < block; ++next)
      std::memcpy(data_ + next->first * block_bytes, next->second.data(), block_bytes);
  };
  each_block([&](std::uint64_t block) {
    fill_up_to(block);
    char* const here = data_ + block * block_bytes;
    if (next == wanted.blocks().end() || next->first != block) {
      if (!is_zero(here)) std::memset(here, 0, block_bytes);
      return;
    }
    if (std::memcmp(here, next->second.data(), block_bytes) != 0) std::memcpy(here, next->second.data(), block_bytes);
    ++next;
  });
  fill_up_to(UINT64_MAX);
}

}  // namespace belay::faults
