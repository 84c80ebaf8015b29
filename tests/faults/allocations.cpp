// Stands between the program and its memory: makes the allocations fail that were ordered to.

#include <cerrno>
#include <cstddef>

#include "tests/faults/interposer.h"

// NOLINTBEGIN(bugprone-reserved-identifier): what glibc calls them.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace belay::faults {
namespace {

/// Whether this one is to fail.
bool allocation_fails() {
  if (!armed) return false;
  const auto& order = control->order;
  const auto number = ++control->answer.allocations;
  if (!order.allocations || number < order.at || (number > order.at && !order.stays)) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace
}  // namespace belay::faults

using belay::faults::allocation_fails;

extern "C" {

void* malloc(std::size_t size) noexcept {
  return allocation_fails() ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return allocation_fails() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) noexcept {
  return allocation_fails() ? nullptr : __libc_realloc(old, size);
}

}  // extern "C"
