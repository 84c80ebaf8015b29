#include "tests/cli/project.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "engine/observer.h"
#include "recovery/backup.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

constexpr unsigned nobody = 65534;

std::string read_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Everything that a child needs, made before the fork: it only makes system calls.
class Child {
 public:
  Child(const fs::path& program, const Words& words, const Surroundings& surroundings, const fs::path& root)
      : folder_(surroundings.folder.empty() ? root : surroundings.folder),
        unprivileged_(surroundings.unprivileged),
        program_(::open(program.c_str(), O_RDONLY | O_CLOEXEC)) {
    texts_.push_back(program.filename());
    texts_.insert(texts_.end(), words.begin(), words.end());
    std::map<std::string, std::string> variables{{"HOME", root}, {"LANG", "C.UTF-8"}, {"TERM", "xterm"}};
    for (const char* name : {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
      if (const char* value = std::getenv(name)) variables[name] = value;
    for (const auto& [name, value] : surroundings.environment) variables[name] = value;
    const std::size_t arguments = texts_.size();
    for (const auto& [name, value] : variables) texts_.push_back(fmt::format("{}={}", name, value));
    for (std::size_t i = 0; i < texts_.size(); ++i)
      (i < arguments ? arguments_ : environment_).push_back(texts_[i].data());
    arguments_.push_back(nullptr);
    environment_.push_back(nullptr);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { ::close(program_); }

  [[noreturn]] void become() {
    if (unprivileged_ && ::geteuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0))
      ::_exit(126);
    if (::chdir(folder_.c_str()) != 0) ::_exit(125);
    // By its descriptor: nobody need not be able to reach the build folder.
    ::fexecve(program_, arguments_.data(), environment_.data());
    ::_exit(127);
  }

 private:
  fs::path folder_;
  bool unprivileged_;
  int program_;
  std::vector<std::string> texts_;
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
};

void redirect(int descriptor, const fs::path& file, int flags) {
  const int opened = ::open(file.c_str(), flags, 0600);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(124);
  ::close(opened);
}

Outcome outcome_of(int status) {
  Outcome outcome;
  if (WIFEXITED(status)) outcome.exit = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

/// What stands behind a label of an error's text: `  next       belay migrate`.
std::string labelled(const std::string& text, const std::string& label) {
  const std::string start = "\n  " + label + std::string(11 - label.size(), ' ');
  const auto at = text.find(start);
  if (at == std::string::npos) return "";
  const auto begin = at + start.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

// --- What a program said ---

Json Outcome::json() const {
  EXPECT_EQ(err, "");
  EXPECT_TRUE(out.ends_with('\n')) << out;
  std::istringstream lines(out);
  Json parsed;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(parsed.is_null() || parsed.contains("event")) << "behind the result: " << line;
    parsed = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(parsed.is_object() || parsed.is_array()) << *this;
  }
  return parsed;
}

Json Outcome::error() const {
  const Json whole = json();
  EXPECT_EQ(whole.value("ok", true), false) << out;
  EXPECT_EQ(whole.value("exit", -1), exit) << out;
  Json error = whole.value("error", Json::object());
  for (const char* part : {"kind", "message", "state", "next"})
    EXPECT_NE(error.value(part, ""), "") << part << " is missing: " << out;
  for (const char* part : {"file", "line", "statement"}) EXPECT_TRUE(error.contains(part)) << out;
  return error;
}

std::ostream& operator<<(std::ostream& stream, const Outcome& outcome) {
  return stream << fmt::format("exit {} signal {}\n--- stdout\n{}--- stderr\n{}---", outcome.exit, outcome.signal,
                               outcome.out, outcome.err);
}

std::ostream& operator<<(std::ostream& stream, const Refusal& refusal) {
  return stream << fmt::format("exit {}, {}, at '{}'", refusal.exit, refusal.kind, refusal.where);
}

// --- Process ---

Process::~Process() {
  ::kill(-pid_, SIGKILL);  // The hooks that it began, too.
  reap(0);
}

bool Process::running() {
  reap(WNOHANG);
  return !ended_;
}

void Process::send(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

void Process::send_to_all(int signal) const {
  ::kill(-pid_, signal);
}

void Process::reap(int options) {
  if (ended_) return;
  ended_ = ::waitpid(pid_, &status_, options) == pid_;
}

Outcome Process::wait() {
  reap(0);
  Outcome outcome = outcome_of(status_);
  outcome.out = read_file(output_.string() + ".out");
  outcome.err = read_file(output_.string() + ".err");
  return outcome;
}

// --- Project ---

Project::Project() {
  // In memory, if there is such a folder: no test here cuts the power, and syncs are slow on a busy disk.
  const bool in_memory = std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK | X_OK) == 0;
  std::string name = ((in_memory ? fs::path("/dev/shm") : fs::temp_directory_path()) / "belay-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  const fs::path folder = fs::canonical(name);
  fs::permissions(folder, fs::perms::all);
  root = folder / "project";
  scratch_ = folder / "outputs";
  fs::create_directory(root);
  fs::create_directory(scratch_);
}

Project::~Project() {
  std::error_code ignored;
  fs::remove_all(root.parent_path(), ignored);
}

void Project::write(const fs::path& name, const std::string& text) const {
  fs::create_directories((root / name).parent_path());
  std::ofstream(root / name, std::ios::binary) << text;
}

std::string Project::text(const fs::path& name) const {
  return read_file(root / name);
}

void Project::configure(const std::string& more) const {
  fs::create_directories(root / "versions");
  write("belay.toml", "database = \"sqlite:app.db\"\n" + more);
}

void Project::script(const std::string& id, const Script& script) const {
  write(
      fmt::format("versions/{}.sql", id),
      fmt::format("-- revision: {}\n-- parents: {}\n-- message: {}\n-- migrate:up\n{}\n-- migrate:down\n{}\n", id,
                  script.parents, script.message.empty() ? "revision " + id : script.message, script.up, script.down));
}

void Project::chain(int count) const {
  for (int i = 1; i <= count; ++i) {
    const std::string id = std::to_string(1000 + i);
    script(id,
           {.parents = i == 1 ? "base" : std::to_string(999 + i),
            .up = (i == 1 ? "CREATE TABLE log (id INTEGER);\n" : "") + fmt::format("INSERT INTO log VALUES ({});", id),
            .down = i == 1 ? "DROP TABLE log;" : fmt::format("DELETE FROM log WHERE id = {};", id)});
  }
}

std::string Project::logged() const {
  if (query("SELECT count(*) FROM sqlite_schema WHERE name = 'log'") == "0") return "";
  return query("SELECT coalesce(group_concat(id, ' '), '') FROM (SELECT id FROM log ORDER BY rowid)");
}

Process Project::start_program(const fs::path& program, const Words& words, const Surroundings& surroundings) const {
  const fs::path output = scratch_ / std::to_string(++outputs_);
  const fs::path input = output.string() + ".in";
  std::ofstream(input, std::ios::binary) << surroundings.input;
  Child child(program, words, surroundings, root);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    redirect(STDIN_FILENO, input, O_RDONLY);
    redirect(STDOUT_FILENO, output.string() + ".out", O_WRONLY | O_CREAT);
    redirect(STDERR_FILENO, output.string() + ".err", O_WRONLY | O_CREAT);
    child.become();
  }
  ::setpgid(pid, pid);  // In both, as nobody knows which is first.
  return {pid, output};
}

Process Project::start(const Words& words, const Surroundings& surroundings) const {
  return start_program(BELAY_PROGRAM, words, surroundings);
}

Outcome Project::execute(const fs::path& program, const Words& words, const Surroundings& surroundings) const {
  return start_program(program, words, surroundings).wait();
}

Outcome Project::run(const Words& words, const Surroundings& surroundings) const {
  return execute(BELAY_PROGRAM, words, surroundings);
}

Process Project::hold(const std::string& sql) const {
  const fs::path held = scratch_ / fmt::format("held-{}", ++outputs_);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    try {
      Database database(root / "app.db");
      database.run(sql);
      std::ofstream(held) << "yes";
      for (;;) ::pause();
    } catch (...) {
      ::_exit(1);
    }
  }
  ::setpgid(pid, pid);
  EXPECT_TRUE(eventually([&] { return fs::exists(held); }));
  return {pid, held};
}

Outcome Project::must(const Words& words, const Surroundings& surroundings) const {
  Outcome outcome = run(words, surroundings);
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  return outcome;
}

Outcome Project::run_on_terminal(const Words& words, const Surroundings& surroundings) const {
  Child child(BELAY_PROGRAM, words, surroundings, root);
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid == 0) child.become();
  std::string shown;
  std::string input = surroundings.input;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(terminal, buffer.data(), buffer.size())) > 0;) {  // EIO: all ends are closed.
    shown.append(buffer.data(), static_cast<std::size_t>(size));
    if (input.empty() || !(shown.ends_with("[y/N] ") || shown.ends_with(": "))) continue;
    EXPECT_EQ(::write(terminal, input.data(), input.size()), static_cast<ssize_t>(input.size()));
    input.clear();
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(pid, &status, 0);
  Outcome outcome = outcome_of(status);
  outcome.out = shown;
  return outcome;
}

Refusal Project::refusal(const Words& words, const Surroundings& surroundings) const {
  const auto before = files();
  const Outcome plain = run(words, surroundings);
  Words json_words{"--json"};
  json_words.insert(json_words.end(), words.begin(), words.end());
  const Outcome outcome = run(json_words, surroundings);
  EXPECT_EQ(changed_since(before), "") << outcome;

  const Json error = outcome.error();
  std::string place = error.value("file", Json()).is_string() ? error["file"].get<std::string>() : "";
  for (const char* part : {"line", "column"})
    if (error.value(part, Json()).is_number()) place += fmt::format(":{}", error[part].get<int>());
  EXPECT_EQ(plain.exit, outcome.exit) << plain;
  EXPECT_EQ(plain.out, "");
  EXPECT_TRUE(plain.err.starts_with("belay: " + error.value("message", ""))) << plain;
  EXPECT_EQ(labelled(plain.err, "where"), place);
  for (const char* part : {"state", "next"}) EXPECT_EQ(labelled(plain.err, part), error.value(part, "")) << plain;
  return {outcome.exit, error.value("kind", ""), place.empty() ? "" : fs::path(place).lexically_proximate(root)};
}

/// Of the lock files only the names: LMDB's holds a table of who reads, belay's the last holder.
Project::Files Project::files() const {
  Files result;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const bool is_lock = entry.path().filename() == "lock" || entry.path().extension() == ".lmdb-lock";
    const std::string content = entry.is_regular_file() && !is_lock ? read_file(entry.path()) : "";
    result[entry.path().lexically_relative(root)] = fmt::format(
        "{} {:o} {} {:x}", entry.is_directory() ? "folder" : "file",
        static_cast<unsigned>(entry.status().permissions()), content.size(), std::hash<std::string>()(content));
  }
  return result;
}

std::string Project::changed_since(const Files& before) const {
  const Files now = files();
  std::string names;
  for (const auto& [name, state] : now)
    if (!before.contains(name) || before.at(name) != state) names += name + (before.contains(name) ? " " : " (new) ");
  for (const auto& [name, state] : before)
    if (!now.contains(name)) names += name + " (gone) ";
  return names;
}

void Project::give_away() const {
  if (::geteuid() != 0) return;
  EXPECT_EQ(::chown(root.c_str(), nobody, nobody), 0);
  for (const auto& entry : fs::recursive_directory_iterator(root))
    EXPECT_EQ(::chown(entry.path().c_str(), nobody, nobody), 0);
}

std::string Project::database_bytes() const {
  std::string bytes = text("app.db");
  for (const std::size_t at : {24U, 92U})
    if (bytes.size() >= at + 4) bytes.replace(at, 4, 4, '\0');
  return bytes;
}

std::string Project::schema(const std::string& database) const {
  return Database(root / database)
      .read(
          "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'belay%' AND sql IS NOT NULL AND tbl_name NOT LIKE "
          "'belay%' AND name NOT LIKE 'sqlite_%' ORDER BY name");
}

fs::path Project::kept(const std::string& reason) const {
  fs::path file = scratch_ / ("kept-" + std::to_string(++outputs_) + ".db");
  engine::Observer unheard;
  int found = 0;
  for (const auto& backup : recovery::list_backups(root / "app.db-belay/backups"))
    if (backup.verified() && backup.backup.manifest.reason == reason && ++found == 1)
      recovery::unpack(backup.backup, file, unheard);
  EXPECT_EQ(found, 1) << reason;
  return file;
}

bool Project::eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace belay::cli
