#include <dlfcn.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/recovery/death.h"

// Calls that change nothing, or hardly anything, for `fail_call`. Libraries find them through the dynamic linker, too.

// NOLINTBEGIN(bugprone-macro-parentheses): types and lists cannot have them.

#define BELAY_FAILING(result, name, failure, parameters, arguments)                             \
  extern "C" result name parameters {                                                           \
    static const auto real = reinterpret_cast<result(*) parameters>(::dlsym(RTLD_NEXT, #name)); \
    return belay::recovery::call_fails(#name) ? failure : real arguments;                       \
  }

BELAY_FAILING(ssize_t, read, -1, (int file, void* bytes, size_t size), (file, bytes, size))
BELAY_FAILING(int, access, -1, (const char* path, int mode), (path, mode))
BELAY_FAILING(int, stat, -1, (const char* path, struct stat* status), (path, status))
BELAY_FAILING(int, lstat, -1, (const char* path, struct stat* status), (path, status))
BELAY_FAILING(int, fstat, -1, (int file, struct stat* status), (file, status))
BELAY_FAILING(int, statvfs, -1, (const char* path, struct statvfs* status), (path, status))
BELAY_FAILING(int, flock, -1, (int file, int operation), (file, operation))
BELAY_FAILING(int, link, -1, (const char* from, const char* to), (from, to))
BELAY_FAILING(int, chmod, -1, (const char* path, mode_t mode), (path, mode))
BELAY_FAILING(int, fchmod, -1, (int file, mode_t mode), (file, mode))
BELAY_FAILING(int, fchown, -1, (int file, uid_t user, gid_t group), (file, user, group))
BELAY_FAILING(int, chown, -1, (const char* path, uid_t user, gid_t group), (path, user, group))
BELAY_FAILING(passwd*, getpwuid, nullptr, (uid_t user), (user))

// NOLINTEND(bugprone-macro-parentheses)
