// gcc writes what a process has run when it exits. The tests' processes also end by `_exit` and by SIGKILL, which write
// nothing: linked into the tests and the programs of the preset `coverage`, these come before those of the C library
// and write it first. What a process ran that another one has killed is lost.

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

/// A process without the right to write there, or without descriptors, would say so on a stderr that the tests look at.
[[gnu::constructor]] static void keep_quiet() {
  ::setenv("GCOV_ERROR_FILE", "/dev/null", 0);
}

extern "C" {

void __gcov_dump();

[[noreturn]] void _exit(int status) {
  __gcov_dump();
  for (;;) ::syscall(SYS_exit_group, status);
}

int kill(pid_t process, int signal) {
  if (process == ::getpid() && signal == SIGKILL) __gcov_dump();
  return static_cast<int>(::syscall(SYS_kill, process, signal));
}

int raise(int signal) {
  if (signal == SIGKILL) return ::kill(::getpid(), signal);
  return static_cast<int>(::syscall(SYS_tgkill, ::getpid(), ::gettid(), signal));
}

}  // extern "C"
