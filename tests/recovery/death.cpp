#include "tests/recovery/death.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <string>
#include <string_view>

// The C libraries call these through the dynamic linker, which finds the ones of the program first.

namespace belay::recovery {
namespace {

int calls_to_live = 0;  // 0: for ever

struct Awaited {
  std::string name;
  std::function<void()> act;
};
Awaited awaited;

Fault fault;
FailingCall failing;

std::function<void(const Call&)> listener;

std::mutex mutex;  // Of what is counted: the journal writes from a thread of its own.

/// What a call writes.
std::string_view written(int /*file*/, const void* bytes, size_t size, off_t /*at*/ = 0) {
  return {static_cast<const char*>(bytes), size};
}
template <typename... Arguments>
std::string_view written(const Arguments&... /*those of any other call*/) {
  return {};
}

/// @returns whether the call is to fail, with `errno` set.
bool fails(const char* name, const char* path, std::string_view bytes) {
  if (listener) listener({name, path, std::string(bytes)});
  const std::lock_guard lock(mutex);
  if (calls_to_live > 0 && --calls_to_live == 0) die();
  if (fault.call == 0 || !std::string_view(path).ends_with(fault.path)) return false;
  if (--fault.call > 0) return false;
  if (fault.stays) fault.call = 1;
  errno = fault.error;
  return true;
}

bool asks_for_path() {
  const std::lock_guard lock(mutex);
  return listener || (fault.call > 0 && !fault.path.empty());
}

bool fails(const char* name, int file, std::string_view bytes) {
  std::array<char, 4096> path{};
  if (asks_for_path()) {
    const auto link = "/proc/self/fd/" + std::to_string(file);
    [[maybe_unused]] const auto size = ::readlink(link.c_str(), path.data(), path.size() - 1);
  }
  return fails(name, path.data(), bytes);
}

void opens(const char* path) {
  if (!awaited.act || !std::string_view(path).ends_with(awaited.name)) return;
  std::exchange(awaited, {}).act();
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void die_before_write(int call) {
  calls_to_live = call;
}

void fail_write(Fault next_fault) {
  fault = std::move(next_fault);
}

void fail_call(FailingCall call) {
  failing = std::move(call);
}

bool call_fails(const char* name) {
  const std::lock_guard lock(mutex);
  if (failing.name != name || failing.after-- > 0) return false;
  errno = std::exchange(failing, {}).error;
  return true;
}

void hear_calls(std::function<void(const Call&)> listen) {
  listener = std::move(listen);
}

void before_open(const std::string& name, std::function<void()> act) {
  awaited = {name, std::move(act)};
}

}  // namespace belay::recovery

// NOLINTBEGIN(bugprone-macro-parentheses): types and lists cannot have them.

// `file` is the descriptor or the path that a call changes.
#define BELAY_FORWARD(result, name, file, parameters, arguments)                                \
  extern "C" result name parameters {                                                           \
    static const auto real = belay::recovery::next<result(*) parameters>(#name);                \
    const bool fails = belay::recovery::fails(#name, file, belay::recovery::written arguments); \
    return fails || belay::recovery::call_fails(#name) ? -1 : real arguments;                   \
  }

BELAY_FORWARD(ssize_t, write, file, (int file, const void* bytes, size_t size), (file, bytes, size))
BELAY_FORWARD(ssize_t, pwrite, file, (int file, const void* bytes, size_t size, off_t at), (file, bytes, size, at))
BELAY_FORWARD(ssize_t, pwrite64, file, (int file, const void* bytes, size_t size, off64_t at), (file, bytes, size, at))
BELAY_FORWARD(ssize_t, writev, file, (int file, const iovec* parts, int count), (file, parts, count))
BELAY_FORWARD(ssize_t, pwritev, file, (int file, const iovec* parts, int count, off_t at), (file, parts, count, at))
BELAY_FORWARD(int, ftruncate, file, (int file, off_t size), (file, size))
BELAY_FORWARD(int, ftruncate64, file, (int file, off64_t size), (file, size))
BELAY_FORWARD(int, fsync, file, (int file), (file))
BELAY_FORWARD(int, fdatasync, file, (int file), (file))
BELAY_FORWARD(int, unlink, path, (const char* path), (path))
BELAY_FORWARD(int, remove, path, (const char* path), (path))
BELAY_FORWARD(int, rename, from, (const char* from, const char* to), (from, to))
BELAY_FORWARD(int, renameat2, from,
              (int from_folder, const char* from, int to_folder, const char* to, unsigned int flags),
              (from_folder, from, to_folder, to, flags))

#define BELAY_OPEN(name)                                                                   \
  extern "C" int name(const char* path, int flags, ...) {                                  \
    static const auto real = belay::recovery::next<int (*)(const char*, int, ...)>(#name); \
    va_list rest;                                                                          \
    va_start(rest, flags);                                                                 \
    const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;     \
    va_end(rest);                                                                          \
    belay::recovery::opens(path);                                                          \
    return belay::recovery::call_fails(#name) ? -1 : real(path, flags, mode);              \
  }

BELAY_OPEN(open)
BELAY_OPEN(open64)

// NOLINTEND(bugprone-macro-parentheses)
