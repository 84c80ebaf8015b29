#include "tests/faults/laboratory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/faults/mount.h"
#include "tests/faults/mutants.h"

namespace belay::faults {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds_of(__rusage_who who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One class in one setting.
struct Job {
  const FaultClass* fault_class;
  Setting setting;
};

std::vector<Setting> settings(const Plan& plan) {
  std::vector<Setting> all;
  for (const auto& scenario : scenarios())
    for (const auto mode : {Mode::rollback, Mode::wal, Mode::truncate, Mode::persist})
      for (const auto policy : {Policy::forward, Policy::back})
        if ((plan.scenario.empty() || plan.scenario == scenario.name) &&
            (plan.mode.empty() || plan.mode == name(mode)) && (plan.policy.empty() || plan.policy == name(policy)))
          all.push_back({&scenario, mode, policy});
  return all;
}

std::vector<Job> some_of(std::vector<Job> jobs, std::uint64_t seed) {
  constexpr std::size_t enough = 12;
  std::shuffle(jobs.begin(), jobs.end(), std::mt19937_64(seed));
  jobs.resize(std::min(jobs.size(), enough));
  return jobs;
}

std::vector<Job> jobs(const Plan& plan, Report& report) {
  std::vector<Job> all;
  auto wanted = settings(plan);
  if (plan.hours > 0) std::shuffle(wanted.begin(), wanted.end(), std::mt19937_64(plan.choice.seed));
  for (const auto& one : fault_classes()) {
    if (!plan.classes.empty() && plan.classes.find(one.letter) == std::string::npos) continue;
    if (const auto why = one.obstacle()) {
      report.not_run.push_back({one.letter, *why});
      continue;
    }
    std::vector<Job> fitting;
    for (const auto& setting : wanted)
      if (one.fits(setting)) fitting.push_back({&one, setting});
    if (plan.sample) fitting = some_of(std::move(fitting), plan.choice.seed + static_cast<unsigned char>(one.letter));
    all.insert(all.end(), fitting.begin(), fitting.end());
  }
  // By setting: what prepares one does so for all of its classes.
  const auto place = [&](const Job& job) { return std::find(wanted.begin(), wanted.end(), job.setting); };
  std::stable_sort(all.begin(), all.end(), [&](const Job& a, const Job& b) { return place(a) < place(b); });
  return all;
}

nlohmann::json written(const Cell& cell) {
  nlohmann::json broken = nlohmann::json::array();
  for (const auto& [replay, what] : cell.broken) broken.push_back({{"replay", replay}, {"what", what}});
  return {{"class", std::string(1, cell.letter)},
          {"scenario", cell.scenario},
          {"mode", cell.mode},
          {"policy", cell.policy},
          {"seed", cell.seed},
          {"cases", cell.cases},
          {"known", cell.known},
          {"seconds", cell.seconds},
          {"cpu_seconds", cell.cpu_seconds},
          {"violations", broken}};
}

Cell read_cell(const nlohmann::json& json) {
  Cell cell{.letter = json.at("class").get<std::string>().at(0),
            .scenario = json.at("scenario"),
            .mode = json.at("mode"),
            .policy = json.at("policy"),
            .seed = json.at("seed"),
            .cases = json.at("cases"),
            .known = json.at("known"),
            .seconds = json.at("seconds"),
            .cpu_seconds = json.at("cpu_seconds"),
            .broken = {}};
  for (const auto& one : json.at("violations")) cell.broken.push_back({one.at("replay"), one.at("what")});
  return cell;
}

/// In one line, whatever bytes are in the messages.
std::string text_of(const nlohmann::json& json, int indent = -1) {
  return json.dump(indent, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// A process that takes one job after the other.
class Worker {
 public:
  Worker(const Plan& plan, int number, Progress& progress)
      : plan_(plan),
        progress_(progress),
        folder_(plan.folder / fmt::format("belay-faults-{}-{}", ::getpid(), number)),
        program_(plan.binary, plan.interposer) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  Cell work(const Job& job) {
    const auto start = Clock::now();
    const auto cpu = cpu_seconds();
    Choice choice = plan_.choice;
    choice.progress = &progress_;
    if (!plan_.every_case) choice.share *= plan_.sample ? job.fault_class->sample * 20 : job.fault_class->share;
    Cases cases(fmt::format("{}/{}", job.fault_class->letter, job.setting.name()), choice);
    std::vector<Cases::Broken> broken;
    try {
      if (!ground_ || ground_->setting() != job.setting) ground_.emplace(program_, job.setting, folder_ / "project");
      job.fault_class->run(*ground_, cases);
    } catch (const std::exception& error) {
      ground_.reset();
      broken.push_back({cases.name(), std::string("the setting itself: ") + error.what()});
    }
    broken.insert(broken.end(), cases.broken().begin(), cases.broken().end());
    return {.letter = job.fault_class->letter,
            .scenario = job.setting.scenario->name,
            .mode = std::string(name(job.setting.mode)),
            .policy = std::string(name(job.setting.policy)),
            .seed = choice.seed,
            .cases = cases.count(),
            .known = cases.known(),
            .seconds = seconds_since(start),
            .cpu_seconds = cpu_seconds() - cpu,
            .broken = std::move(broken)};
  }

 private:
  [[nodiscard]] double cpu_seconds() const {
    return cpu_seconds_of(RUSAGE_SELF) + cpu_seconds_of(RUSAGE_CHILDREN) + static_cast<double>(program_.cpu_us()) / 1e6;
  }

  const Plan& plan_;
  Progress& progress_;
  fs::path folder_;
  Program program_;
  std::optional<Ground> ground_{};  ///< Of the last job: to prepare one takes as long as a few cases.
};

/// What the workers and this process share.
struct Shared {
  Progress progress{};
  std::atomic<std::size_t> next{0};  ///< The job that nobody has taken yet.
};

/// It stays one through fork().
class SharedMemory {
 public:
  SharedMemory()
      : shared_(new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                    Shared) {}
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(shared_, sizeof *shared_); }
  Shared& operator*() const { return *shared_; }

 private:
  Shared* shared_;
};

volatile std::sig_atomic_t signalled = 0;

/// The first signal stops the laboratory, the second one ends it.
class SignalsHeard {
 public:
  SignalsHeard() {
    struct sigaction action {};
    action.sa_handler = [](int) { signalled = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int number : numbers) ::sigaction(number, &action, nullptr);
  }
  SignalsHeard(const SignalsHeard&) = delete;
  SignalsHeard& operator=(const SignalsHeard&) = delete;
  ~SignalsHeard() { let_go(); }
  static void let_go() {
    for (const int number : numbers) ::signal(number, SIG_DFL);
  }

 private:
  static constexpr std::array numbers{SIGINT, SIGTERM};
};

/// A worker and what it runs wait for each other all the time: where there is a processor for each worker, nothing has
/// to be woken on another one, which takes long in a virtual machine.
void stay_on_a_processor(int number, int workers) {
  cpu_set_t all;
  if (::sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) != workers) return;
  int processor = 0;
  for (int skipped = number; !CPU_ISSET(processor, &all) || skipped-- > 0;) ++processor;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

/// Its cells, a line of JSON each, go to `out`.
[[noreturn]] void work(const Plan& plan, int number, const std::vector<Job>& jobs, Shared& shared, int out) {
  // A Ctrl-C is for the laboratory, not for the programs that it runs.
  ::setpgid(0, 0);
  SignalsHeard::let_go();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  stay_on_a_processor(number, plan.jobs);
  int status = 0;
  static_cast<void>(mount_obstacle());  // What a worker mounts is its own; without it, some classes are not run.
  try {
    Worker worker(plan, number, shared.progress);
    for (auto at = shared.next++; at < jobs.size() && !shared.progress.stopped; at = shared.next++) {
      const auto line = text_of(written(worker.work(jobs[at]))) + "\n";
      if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) status = 1;
    }
  } catch (const std::exception& error) {
    std::cerr << "belay_faults: " << error.what() << "\n";
    status = 1;
  }
  ::_exit(status);
}

/// Until all workers have ended; tells a person how far they are. @returns whether they have ended well.
bool wait_for(std::vector<pid_t> workers, const Plan& plan, std::size_t jobs, Shared& shared) {
  constexpr double silence_seconds = 20;
  const auto start = Clock::now();
  double told_at = 0;
  bool is_good = true;
  while (!workers.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto seconds = seconds_since(start);
    if (signalled || (plan.hours > 0 && seconds > plan.hours * 3600)) shared.progress.stopped = true;
    if (seconds > told_at + silence_seconds) {
      told_at = seconds;
      std::cerr << fmt::format("faults: {} cases, {} violations, {} of {} settings begun, {:.0f} s\n",
                               shared.progress.cases.load(), shared.progress.violations.load(),
                               std::min(shared.next.load(), jobs), jobs, seconds);
    }
    std::erase_if(workers, [&](pid_t pid) {
      int status = 0;
      if (::waitpid(pid, &status, WNOHANG) == 0) return false;
      is_good = is_good && status == 0;
      return true;
    });
  }
  return is_good;
}

}  // namespace

void Plan::replay(const std::string& name) {
  auto part = [&, at = std::size_t{0}]() mutable {
    const auto end = name.find('/', at);
    if (end == std::string::npos) throw std::invalid_argument("no case is called " + name);
    auto text = name.substr(at, end - at);
    at = end + 1;
    return text;
  };
  classes = part();
  scenario = part();
  mode = part();
  policy = part();
  jobs = 1;
  sample = false;
  every_case = true;
  choice.only = name;
}

std::uint64_t Report::cases() const {
  return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0},
                         [](auto sum, const auto& cell) { return sum + cell.cases; });
}

std::uint64_t Report::violations() const {
  return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0},
                         [](auto sum, const auto& cell) { return sum + cell.broken.size(); });
}

Report run_cases(const Plan& plan) {
  const auto start = Clock::now();
  Report report;
  const auto all = jobs(plan, report);
  const SharedMemory memory;
  const SignalsHeard heard;
  const int results = ::memfd_create("results", MFD_CLOEXEC);
  std::vector<pid_t> workers;
  for (int number = 0; number < plan.jobs; ++number) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int out = ::open(fmt::format("/proc/self/fd/{}", results).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
      work(plan, number, all, *memory, out);
    }
    workers.push_back(pid);
  }
  const bool is_good = wait_for(std::move(workers), plan, all.size(), *memory);
  std::ifstream lines(fmt::format("/proc/self/fd/{}", results));
  for (std::string line; std::getline(lines, line);) report.cells.push_back(read_cell(nlohmann::json::parse(line)));
  ::close(results);
  report.stopped = signalled != 0;
  report.complete = is_good && (report.cells.size() == all.size() || (*memory).progress.stopped);
  report.seconds = seconds_since(start);
  return report;
}

std::string json(const Report& report) {
  nlohmann::json not_run = nlohmann::json::array();
  for (const auto& [letter, why] : report.not_run) not_run.push_back({{"class", std::string(1, letter)}, {"why", why}});
  nlohmann::json cells = nlohmann::json::array();
  for (const auto& cell : report.cells) cells.push_back(written(cell));
  return text_of({{"cases", report.cases()},
                  {"violations", report.violations()},
                  {"seconds", report.seconds},
                  {"cells", cells},
                  {"not_run", not_run}},
                 1);
}

namespace {

/// As long as the plan has time left, each time with the next seed and in another order.
Report run_for_hours(Plan plan) {
  const auto start = Clock::now();
  const double hours = plan.hours;
  Report all;
  do {
    plan.hours = hours > 0 ? hours - seconds_since(start) / 3600 : 0;
    auto report = run_cases(plan);
    all.cells.insert(all.cells.end(), report.cells.begin(), report.cells.end());
    all.not_run = report.not_run;
    all.stopped = report.stopped;
    all.complete = all.complete && report.complete;
    ++plan.choice.seed;
  } while (!all.stopped && hours > 0 && seconds_since(start) < hours * 3600);
  all.seconds = seconds_since(start);
  return all;
}

}  // namespace

int run(const Plan& plan, std::ostream& out) {
  out << fmt::format("faults: seed {}\n", plan.choice.seed) << std::flush;
  const auto report = run_for_hours(plan);
  print(report, out);
  if (!plan.report.empty()) {
    fs::create_directories(plan.report);
    std::ofstream(plan.report / "report.json") << json(report);
    std::ofstream(plan.report / "matrix.svg") << svg(report);
  }
  if (!report.complete) out << "faults: a process of the laboratory has died, and what it was at is not in the table\n";
  if (report.cells.empty() && plan.mutants.empty() && report.complete && !report.stopped) return 77;
  if (plan.choice.only && report.cases() == 0 && report.complete && !report.stopped)
    throw std::invalid_argument("there is no such case: " + *plan.choice.only);
  std::string killed;
  bool is_harness_good = true;
  if (!plan.mutants.empty() && !report.stopped) {
    const auto count = kill_mutants(plan, out);
    killed = fmt::format(", {}/{} mutants killed", count, mutants().size());
    is_harness_good = count == mutants().size();
  }
  out << fmt::format("faults: {} cases, {} violations{} ({:.0f} s{})\n", report.cases(), report.violations(), killed,
                     report.seconds, report.stopped ? ", stopped by a signal" : "");
  if (report.violations() > 0 || !report.complete || !is_harness_good) return 1;
  return report.stopped ? 130 : 0;
}

}  // namespace belay::faults
