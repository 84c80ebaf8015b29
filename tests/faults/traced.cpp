#include "tests/faults/traced.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <system_error>
#include <vector>

namespace belay::faults {
namespace {

constexpr int at_system_call = SIGTRAP | 0x80;  // With PTRACE_O_TRACESYSGOOD.

[[noreturn]] void become(const std::filesystem::path& binary, const std::filesystem::path& folder, Words words,
                         int out) {
  words.insert(words.begin(), binary.string());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/bin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (::chdir(folder.c_str()) != 0 || ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
  ::raise(SIGSTOP);
  ::execve(binary.c_str(), arguments.data(), environment.data());
  ::_exit(127);
}

/// Lets it run to its next stop, and takes a signal that came for it along.
void go_on(pid_t thread, int signal = 0) {
  ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
}

/// Follows the process and its threads to the end.
class Tracer {
 public:
  Tracer(pid_t pid, std::uint64_t kill_at) : pid_(pid), kill_at_(kill_at) {}

  Traced follow() {
    int status = 0;
    for (pid_t thread = pid_; (thread = ::waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
      if (WIFSTOPPED(status)) {
        stopped(thread, status);
      } else if (thread == pid_) {
        result_.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (WIFEXITED(status)) result_.exit = WEXITSTATUS(status);
        return result_;
      }
    }
    throw std::system_error(errno, std::generic_category(), "waitpid");
  }

 private:
  void stopped(pid_t thread, int status) {
    const int signal = WSTOPSIG(status);
    if (signal == at_system_call) {
      const bool enters = inside_.insert(thread).second;
      if (!enters) inside_.erase(thread);
      if (enters && ++result_.calls == kill_at_) ::kill(pid_, SIGKILL);
      return go_on(thread);
    }
    const bool is_event = status >> 16 != 0;           // A new thread, or execve.
    const bool is_new = known_.insert(thread).second;  // It begins with a stop of its own.
    go_on(thread, is_event || (is_new && signal == SIGSTOP) || signal == SIGTRAP ? 0 : signal);
  }

  pid_t pid_;
  std::uint64_t kill_at_;
  std::set<pid_t> inside_;
  std::set<pid_t> known_{pid_};
  Traced result_;
};

}  // namespace

Traced run_traced(const std::filesystem::path& binary, const std::filesystem::path& folder, const Words& words,
                  std::uint64_t kill_at) {
  const int out = ::memfd_create("said", MFD_CLOEXEC);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) become(binary, folder, words, out);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
    throw std::system_error(EPERM, std::generic_category(), "a process of ours cannot be traced");
  ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
  go_on(pid);
  auto traced = Tracer(pid, kill_at).follow();
  struct stat size {};
  ::fstat(out, &size);
  traced.said.resize(static_cast<std::size_t>(size.st_size));
  const auto read = ::pread(out, traced.said.data(), traced.said.size(), 0);
  traced.said.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
  ::close(out);
  return traced;
}

}  // namespace belay::faults
