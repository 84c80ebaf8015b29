// measure DESCRIPTOR COMMAND…  runs the command and says on the descriptor what it cost: exit status (a signal as 128
// and its number), milliseconds of wall time and of processor time, KiB of memory at the peak.
//
// A program of its own because a process inherits the peak of the one that it was forked from: this one is small.

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  const int answer = std::atoi(argv[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, answer);

  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  if (posix_spawnp(&child, argv[2], &actions, nullptr, argv + 2, environ) != 0) return 66;
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) return 70;
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;

  const auto milliseconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_usec) / 1000;
  };
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return dprintf(answer, "%d %.3f %.3f %ld\n", code, wall.count(),
                 milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime), usage.ru_maxrss) > 0
             ? 0
             : 74;
}
