#include "tests/faults/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>

namespace belay::faults {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int file_in_memory(const char* name) {
  const int file = ::memfd_create(name, MFD_CLOEXEC);
  if (file < 0) fail("memfd_create");
  return file;
}

std::string contents(int file) {
  struct stat status {};
  ::fstat(file, &status);
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) fail("read what was said");
  return text;
}

/// Also puts the place of the next write, which the processes share, back to its beginning.
void empty(int file) {
  if (::ftruncate(file, 0) != 0 || ::lseek(file, 0, SEEK_SET) != 0) fail("empty a file in memory");
}

/// Words, each ended by a zero byte.
template <std::size_t size>
void copy(std::array<char, size>& to, const Words& words) {
  std::string text;
  for (const auto& word : words) (text += word).push_back('\0');
  if (text.size() + 1 > size) throw std::runtime_error("the command line is too long");
  to.fill('\0');
  std::memcpy(to.data(), text.data(), text.size());
}

}  // namespace

Program::Program(const std::filesystem::path& binary, const std::filesystem::path& interposer)
    : binary_(binary),
      recording_(file_in_memory("recording")),
      out_(file_in_memory("out")),
      err_(file_in_memory("err")) {
  start(interposer);
}

Program::~Program() {
  ::close(request_);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  for (const int file : {response_, recording_, out_, err_}) ::close(file);
  ::munmap(control_, sizeof(Control));
}

void Program::start(const std::filesystem::path& interposer) {
  const int shared = file_in_memory("control");
  if (::ftruncate(shared, sizeof(Control)) != 0) fail("control");
  void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (memory == MAP_FAILED) fail("control");
  control_ = new (memory) Control;
  std::array<int, 2> request{};
  std::array<int, 2> response{};
  if (::pipe2(request.data(), O_CLOEXEC) != 0 || ::pipe2(response.data(), O_CLOEXEC) != 0) fail("pipe");
  const std::string preload = "LD_PRELOAD=" + interposer.string();
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    ::dup2(shared, descriptor::control);
    ::dup2(recording_, descriptor::recording);
    ::dup2(out_, descriptor::out);
    ::dup2(err_, descriptor::err);
    ::dup2(request[0], descriptor::request);
    ::dup2(response[1], descriptor::response);
    std::string path = binary_.string();
    std::string loaded = preload;
    std::array<char*, 2> words{path.data(), nullptr};
    std::string search = std::string("PATH=") + (::getenv("PATH") ? ::getenv("PATH") : "/usr/bin:/bin");
    std::string bound = "LD_BIND_NOW=1";                           // Not anew in each run.
    std::string heap = "GLIBC_TUNABLES=glibc.malloc.arena_max=1";  // Not one for each thread: it costs every run.
    std::array<char*, 5> environment{loaded.data(), search.data(), bound.data(), heap.data(), nullptr};
    ::execve(path.c_str(), words.data(), environment.data());
    ::_exit(127);
  }
  ::close(shared);
  ::close(request[0]);
  ::close(response[1]);
  request_ = request[1];
  response_ = response[0];
}

Outcome Program::run(const std::filesystem::path& folder, const Words& words, const Treatment& treatment) {
  auto& order = control_->order;
  copy(order.folder, {folder.string()});
  Words line{binary_.string()};
  line.insert(line.end(), words.begin(), words.end());
  copy(order.words, line);
  order.fault = treatment.fault;
  order.error = static_cast<std::uint32_t>(treatment.error);
  order.at = treatment.at;
  order.stays = treatment.stays;
  order.records = treatment.records;
  order.allocations = treatment.allocations;
  order.max_file_size = treatment.max_file_size;
  order.max_files = treatment.max_files;
  order.max_memory_bytes = treatment.max_memory_bytes;
  auto& answer = control_->answer;
  answer.pid = 0;
  answer.calls = answer.allocations = answer.writable_maps = 0;
  for (const int file : {recording_, out_, err_}) empty(file);

  if (::write(request_, "r", 1) != 1) fail("ask for a run");
  Outcome outcome;
  const int status = wait(treatment.kill_after, outcome.late);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  if (WIFEXITED(status)) outcome.exit = WEXITSTATUS(status);
  outcome.out = contents(out_);
  outcome.err = contents(err_);
  outcome.calls = answer.calls;
  outcome.allocations = answer.allocations;
  if (treatment.records) outcome.recording = contents(recording_);
  if (answer.writable_maps > 0)
    throw std::runtime_error("a watched file is mapped for writing: the recording is not whole");
  return outcome;
}

int Program::wait(std::chrono::microseconds kill_after, bool& late) {
  const bool is_timed = kill_after.count() > 0;
  const auto longest = is_timed ? kill_after : std::chrono::microseconds(patience);
  pollfd waiting{response_, POLLIN, 0};
  timespec time{longest.count() / 1'000'000, longest.count() % 1'000'000 * 1000};
  while (::ppoll(&waiting, 1, &time, nullptr) == 0) {
    late = !is_timed;
    if (const pid_t pid = control_->answer.pid; pid > 0) ::kill(pid, SIGKILL);
    time = {0, 1'000'000};  // The process may not have been forked yet.
  }
  int status = 0;
  if (::read(response_, &status, sizeof status) != sizeof status)
    throw std::runtime_error("the program under test cannot be started: " + binary_.string());
  return status;
}

}  // namespace belay::faults
