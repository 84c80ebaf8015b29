// Serves the laboratory (program.h): stops the program before its main(), and forks a process for each run.

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/faults/interposer.h"

namespace belay::faults {

Control* control = nullptr;
bool armed = false;

namespace {

using Main = int (*)(int, char**, char**);
Main program_main = nullptr;

void limit(__rlimit_resource what, std::uint64_t most) {
  if (most == 0) return;
  const rlimit limits{most, most};
  ::setrlimit(what, &limits);
}

/// A run writes to about so much of the heap. Taken at once it costs a tenth of what a fault for each page does.
constexpr std::size_t heap_bytes = std::size_t{768} << 10U;

void take_heap() {
  constexpr std::uintptr_t page = 4096;
  const auto end = reinterpret_cast<std::uintptr_t>(::sbrk(0)) / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the end of the heap.
  ::madvise(reinterpret_cast<void*>(end - heap_bytes), heap_bytes, MADV_POPULATE_WRITE);
}

/// Makes this process what was ordered, and runs the program's main() in it.
int run_ordered(char** environment) {
  const auto& order = control->order;
  if (::chdir(order.folder.data()) != 0) ::_exit(125);
  ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  ::dup2(descriptor::out, STDOUT_FILENO);
  ::dup2(descriptor::err, STDERR_FILENO);
  ::syscall(SYS_close_range, 3, descriptor::control - 1, 0);
  for (const int file :
       {descriptor::control, descriptor::out, descriptor::err, descriptor::request, descriptor::response})
    ::syscall(SYS_close, file);
  ::fcntl(descriptor::recording, F_SETFD, FD_CLOEXEC);
  limit(RLIMIT_FSIZE, order.max_file_size);
  limit(RLIMIT_AS, order.max_memory_bytes);
  limit(RLIMIT_NOFILE, order.max_files);
  take_heap();
  static char words[sizeof order.words];
  std::memcpy(words, order.words.data(), sizeof words);
  static char* arguments[256];
  int count = 0;
  for (char* word = words; *word != '\0' && count < 255; word += std::strlen(word) + 1) arguments[count++] = word;
  armed = true;
  return program_main(count, arguments, environment);
}

/// OpenSSL sets up in each process what takes longer than the rest of a run: here it does so once.
void warm_up() {
  using Initialize = int (*)(std::uint64_t, const void*);
  using Sha256 = const void* (*)();
  using Digest = int (*)(const void*, std::size_t, unsigned char*, unsigned*, const void*, void*);
  const auto initialize = reinterpret_cast<Initialize>(::dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto"));
  const auto sha256 = reinterpret_cast<Sha256>(::dlsym(RTLD_DEFAULT, "EVP_sha256"));
  const auto digest = reinterpret_cast<Digest>(::dlsym(RTLD_DEFAULT, "EVP_Digest"));
  if (!initialize || !sha256 || !digest) return;
  constexpr std::uint64_t all_without_cleanup = 0x0008000C;  // OPENSSL_INIT_ADD_ALL_…, OPENSSL_INIT_NO_ATEXIT
  initialize(all_without_cleanup, nullptr);
  unsigned char result[64];
  digest("", 0, result, nullptr, sha256(), nullptr);
}

std::uint64_t cpu_us_of(__rusage_who who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto us = [](const timeval& time) { return time.tv_sec * std::uint64_t{1'000'000} + time.tv_usec; };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

/// Runs one process after the other, until nobody asks for more.
int serve(int, char**, char** environment) {
  ::unsetenv("LD_PRELOAD");
  ::unsetenv("LD_BIND_NOW");
  warm_up();
  ::mallopt(M_TOP_PAD, heap_bytes);
  std::free(std::malloc(heap_bytes / 8));
  char byte = 0;
  while (::read(descriptor::request, &byte, 1) == 1) {
    const pid_t pid = ::fork();
    if (pid == 0) return run_ordered(environment);
    control->answer.pid = pid;
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    control->answer.cpu_us = cpu_us_of(RUSAGE_SELF) + cpu_us_of(RUSAGE_CHILDREN);
    if (::write(descriptor::response, &status, sizeof status) != sizeof status) break;
  }
  ::_exit(0);
}

}  // namespace
}  // namespace belay::faults

using namespace belay::faults;

// NOLINTNEXTLINE(bugprone-reserved-identifier): what glibc calls it.
extern "C" int __libc_start_main(Main main, int count, char** arguments, void (*init)(), void (*fini)(),
                                 void (*loader_fini)(), void* stack_end) {
  using Below = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto below = reinterpret_cast<Below>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor::control, 0);
  if (memory == MAP_FAILED) return below(main, count, arguments, init, fini, loader_fini, stack_end);
  control = static_cast<Control*>(memory);
  program_main = main;
  return below(serve, count, arguments, init, fini, loader_fini, stack_end);
}
