#include "tests/faults/laboratory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <stdexcept>

#include "tests/faults/mutants.h"

#include "tests/faults/mount.h"

namespace belay::faults {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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

/// To prepare a setting takes as long as a few cases of it.
std::vector<Job> some_of(std::vector<Job> jobs, std::uint64_t seed) {
  constexpr std::size_t enough = 12;
  std::shuffle(jobs.begin(), jobs.end(), std::mt19937_64(seed));
  jobs.resize(std::min(jobs.size(), enough));
  return jobs;
}

std::vector<Job> jobs(const Plan& plan, Report& report) {
  std::vector<Job> all;
  const auto wanted = settings(plan);
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
  return all;
}

nlohmann::json written(const Cell& cell) {
  nlohmann::json broken = nlohmann::json::array();
  for (const auto& [replay, what] : cell.broken) broken.push_back({{"replay", replay}, {"what", what}});
  return {{"class", std::string(1, cell.letter)},
          {"scenario", cell.scenario},
          {"mode", cell.mode},
          {"policy", cell.policy},
          {"cases", cell.cases},
          {"seconds", cell.seconds},
          {"violations", broken}};
}

Cell read_cell(const nlohmann::json& json) {
  Cell cell{.letter = json.at("class").get<std::string>().at(0),
            .scenario = json.at("scenario"),
            .mode = json.at("mode"),
            .policy = json.at("policy"),
            .cases = json.at("cases"),
            .seconds = json.at("seconds"),
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
  Worker(const Plan& plan, int number)
      : plan_(plan),
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
    Choice choice = plan_.choice;
    if (!plan_.every_case) choice.share *= plan_.sample ? job.fault_class->sample * 20 : job.fault_class->share;
    Cases cases(fmt::format("{}/{}", job.fault_class->letter, job.setting.name()), choice);
    std::vector<Cases::Broken> broken;
    try {
      Ground ground(program_, job.setting, folder_ / "project");
      job.fault_class->run(ground, cases);
    } catch (const std::exception& error) {
      broken.push_back({cases.name(), std::string("the setting itself: ") + error.what()});
    }
    broken.insert(broken.end(), cases.broken().begin(), cases.broken().end());
    return {.letter = job.fault_class->letter,
            .scenario = job.setting.scenario->name,
            .mode = std::string(name(job.setting.mode)),
            .policy = std::string(name(job.setting.policy)),
            .cases = cases.count(),
            .seconds = seconds_since(start),
            .broken = std::move(broken)};
  }

 private:
  const Plan& plan_;
  fs::path folder_;
  Program program_;
};

/// A counter that the workers share.
class Next {
 public:
  Next()
      : value_(new (::mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<std::size_t>(0)) {}
  Next(const Next&) = delete;
  Next& operator=(const Next&) = delete;
  ~Next() { ::munmap(value_, sizeof *value_); }
  std::size_t take() { return (*value_)++; }

 private:
  std::atomic<std::size_t>* value_;
};

/// Its cells, a line of JSON each, go to `out`.
[[noreturn]] void work(const Plan& plan, int number, const std::vector<Job>& jobs, Next& next, int out) {
  const auto start = Clock::now();

  int status = 0;
  static_cast<void>(mount_obstacle());  // What a worker mounts is its own; without it, some classes are not run.
  try {
    Worker worker(plan, number);
    for (auto at = next.take(); at < jobs.size(); at = next.take()) {
      if (plan.hours > 0 && seconds_since(start) > plan.hours * 3600) break;
      const auto line = text_of(written(worker.work(jobs[at]))) + "\n";
      if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) status = 1;
    }
  } catch (const std::exception& error) {
    std::cerr << "belay_faults: " << error.what() << "\n";
    status = 1;
  }
  ::_exit(status);
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
  auto all = jobs(plan, report);
  if (plan.hours > 0) std::shuffle(all.begin(), all.end(), std::mt19937_64(plan.choice.seed));
  Next next;
  const int results = ::memfd_create("results", MFD_CLOEXEC);
  std::vector<pid_t> workers;
  for (int number = 0; number < plan.jobs; ++number) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int out = ::open(fmt::format("/proc/self/fd/{}", results).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
      work(plan, number, all, next, out);
    }
    workers.push_back(pid);
  }
  bool is_good = true;
  for (const auto pid : workers) {
    int status = 0;
    is_good = ::waitpid(pid, &status, 0) == pid && status == 0 && is_good;
  }
  std::ifstream lines(fmt::format("/proc/self/fd/{}", results));
  for (std::string line; std::getline(lines, line);) report.cells.push_back(read_cell(nlohmann::json::parse(line)));
  ::close(results);
  if (!is_good || (report.cells.size() != all.size() && plan.hours == 0)) throw std::runtime_error("a worker has died");
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
    ++plan.choice.seed;
  } while (hours > 0 && seconds_since(start) < hours * 3600);
  all.seconds = seconds_since(start);
  return all;
}

}  // namespace

int run(const Plan& plan, std::ostream& out) {
  const auto report = run_for_hours(plan);
  print(report, out);
  if (!plan.report.empty()) {
    fs::create_directories(plan.report);
    std::ofstream(plan.report / "report.json") << json(report);
    std::ofstream(plan.report / "matrix.svg") << svg(report);
  }
  if (report.cells.empty() && plan.mutants.empty()) return 77;
  if (plan.choice.only && report.cases() == 0)
    throw std::invalid_argument("there is no such case: " + *plan.choice.only);
  std::string killed;
  bool is_harness_good = true;
  if (!plan.mutants.empty()) {
    const auto count = kill_mutants(plan, out);
    killed = fmt::format(", {}/{} mutants killed", count, mutants().size());
    is_harness_good = count == mutants().size();
  }
  out << fmt::format("faults: {} cases, {} violations{} ({:.0f} s)\n", report.cases(), report.violations(), killed,
                     report.seconds);
  return report.violations() == 0 && is_harness_good ? 0 : 1;
}

}  // namespace belay::faults
