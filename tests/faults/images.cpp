#include "tests/faults/images.h"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>

namespace belay::faults {
namespace {

using How = Fate::How;

constexpr std::size_t sector = 512;

bool changes_data(OperationKind kind) {
  return kind == OperationKind::write || kind == OperationKind::truncate;
}

bool changes_names(OperationKind kind) {
  return kind == OperationKind::create || kind == OperationKind::folder || kind == OperationKind::remove ||
         kind == OperationKind::rename || kind == OperationKind::link;
}

/// `a/b/c` as `a/b` and `c`; `c` as `` and `c`.
std::pair<std::string, std::string> split(std::string path) {
  if (path.ends_with('/')) path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

/// Finds out which inodes a recording is about, by playing it on a disk.
class Binder {
 public:
  Binder(Disk& live, std::map<std::uint64_t, std::size_t> numbers) : live_(live), numbers_(std::move(numbers)) {}

  Disk::Step bind(const Operation& operation) {
    Disk::Step step{.kind = operation.kind, .operation = &operation};
    if (operation.kind == OperationKind::said || is_volatile(operation.path)) {
      step.kind = OperationKind::said;
      return step;
    }
    if (changes_names(operation.kind)) bind_names(operation, step);
    if (operation.kind == OperationKind::create || operation.kind == OperationKind::folder)
      step.node = numbers_[operation.inode] = live_.size();
    else
      step.node = node_of(operation);
    live_.apply(step);
    return step;
  }

 private:
  std::size_t need(const std::string& path) const {
    const auto found = live_.find(path);
    if (!found) throw std::runtime_error("a recording has a gap: nothing has made " + path);
    return *found;
  }
  std::size_t node_of(const Operation& operation) const {
    if (changes_names(operation.kind) || operation.path.empty()) return need(operation.path);
    const auto known = numbers_.find(operation.inode);
    return known != numbers_.end() ? known->second : need(operation.path);
  }
  void bind_names(const Operation& operation, Disk::Step& step) const {
    auto [folder, name] = split(operation.path);
    step.folder = need(folder);
    step.name = std::move(name);
    if (operation.second.empty()) return;
    auto [second_folder, second] = split(operation.second);
    step.second_folder = need(second_folder);
    step.second = std::move(second);
  }

  Disk& live_;
  std::map<std::uint64_t, std::size_t> numbers_;
};

/// Which of a write's `count` sectors have reached the disk.
std::vector<bool> sectors_kept(const Fate& fate, std::size_t count) {
  std::vector<bool> kept(count);
  std::mt19937 random(fate.seed);
  const std::size_t half = (count + 1) / 2;
  for (std::size_t i = 0; i < count; ++i) {
    if (fate.how == How::kept) kept[i] = true;
    if (fate.how == How::first_half) kept[i] = i < half;
    if (fate.how == How::last_half) kept[i] = i >= half || count == 1;
    if (fate.how == How::some_sectors) kept[i] = (random() & 1U) != 0;
  }
  return kept;
}

void write_sectors(std::string& content, const Operation& operation, const Fate& fate) {
  const auto begin = static_cast<std::size_t>(operation.offset);
  const auto end = begin + operation.data.size();
  const std::size_t first = begin / sector;
  const auto kept = sectors_kept(fate, (end + sector - 1) / sector - first);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    const std::size_t from = std::max(begin, (first + i) * sector);
    const std::size_t to = std::min(end, (first + i + 1) * sector);
    if (content.size() < to) content.resize(to);
    content.replace(from, to - from, operation.data, from - begin, to - from);
  }
}

}  // namespace

// ---- Disk ----

std::optional<std::size_t> Disk::find(const std::string& path) const {
  if (path.empty()) return 0;
  const auto [above, name] = split(path);
  const auto folder = find(above);
  if (!folder) return std::nullopt;
  const auto entry = nodes_[*folder].entries.find(name);
  return entry == nodes_[*folder].entries.end() ? std::nullopt : std::optional(entry->second);
}

std::size_t Disk::add(const std::string& path, const File& file) {
  const auto [above, name] = split(path);
  Node node{.modified_ns = file.modified_ns};
  if (!path.ends_with('/')) node.content = std::make_shared<std::string>(file.content);
  nodes_[find(above).value()].entries[name] = nodes_.size();
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void Disk::apply(const Step& step, const Fate& fate) {
  const bool kept = fate.how != How::dropped;
  if (step.kind == OperationKind::create || step.kind == OperationKind::folder) return create(step, kept);
  if (!kept) return;
  if (step.kind == OperationKind::remove) nodes_[step.folder].entries.erase(step.name);
  if (step.kind == OperationKind::link) nodes_[step.second_folder].entries[step.second] = step.node;
  if (step.kind == OperationKind::rename) rename(step);
  if (changes_data(step.kind)) write(step, fate);
}

/// Without its name the file is there all the same: it may be written to, and be renamed to where it can be found.
void Disk::create(const Step& step, bool named) {
  if (nodes_.size() <= step.node) nodes_.resize(step.node + 1);
  auto& node = nodes_[step.node];
  if (step.kind == OperationKind::create) node.content = std::make_shared<std::string>();
  node.modified_ns = step.operation->modified_ns;
  if (named) nodes_[step.folder].entries[step.name] = step.node;
}

void Disk::rename(const Step& step) {
  nodes_[step.folder].entries.erase(step.name);
  nodes_[step.second_folder].entries[step.second] = step.node;
}

void Disk::write(const Step& step, const Fate& fate) {
  auto& node = nodes_[step.node];
  const auto& operation = *step.operation;
  if (node.content.use_count() > 1) node.content = std::make_shared<std::string>(*node.content);
  auto& content = *node.content;
  const auto end = static_cast<std::size_t>(operation.offset) + operation.data.size();
  if (step.kind == OperationKind::truncate)
    content.resize(static_cast<std::size_t>(operation.offset));
  else if (fate.how == How::zeros)
    content.resize(std::max(content.size(), end));
  else
    write_sectors(content, operation, fate);
  node.modified_ns = operation.modified_ns;
}

Files Disk::files() const {
  Files files;
  collect(0, "", files);
  return files;
}

void Disk::collect(std::size_t folder, const std::string& path, Files& files) const {
  for (const auto& [name, number] : nodes_[folder].entries) {
    const auto& node = nodes_[number];
    if (node.content) {
      files[path + name] = {.content = *node.content, .modified_ns = node.modified_ns};
    } else {
      files[path + name + "/"] = {};
      collect(number, path + name + "/", files);
    }
  }
}

// ---- Images ----

Images::Images(const Files& base, std::vector<Operation> recording) : recording_(std::move(recording)) {
  std::map<std::uint64_t, std::size_t> numbers;
  for (const auto& [path, file] : base) numbers[file.inode] = base_.add(path, file);
  Disk live = base_;
  Binder binder(live, std::move(numbers));
  for (const auto& operation : recording_) steps_.push_back(binder.bind(operation));
  for (std::size_t number = 1; number <= last(); ++number) waits_.push_back(wait_of(number));
  durable_ = base_;
}

Images::Wait Images::wait_of(std::size_t number) const {
  const auto& step = steps_[number - 1];
  if (changes_data(step.kind)) {
    if (step.operation->durable) return {.until = number + 1};
    return synced(step.node, number);
  }
  if (!changes_names(step.kind)) return {.until = number};
  // A link is where its new name is; a rename is in both.
  auto wait = synced(step.kind == OperationKind::link ? step.second_folder : step.folder, number);
  if (step.kind == OperationKind::rename && step.second_folder != step.folder) {
    const auto second = synced(step.second_folder, number);
    wait = {.until = std::max(wait.until, second.until), .doubtful = std::min(wait.doubtful, second.doubtful)};
  }
  return wait;
}

Images::Wait Images::synced(std::size_t node, std::size_t after) const {
  for (std::size_t number = after + 1; number <= last(); ++number) {
    const auto& step = steps_[number - 1];
    if (step.kind != OperationKind::sync || step.node != node) continue;
    if (step.operation->failed) return {.doubtful = number};
    return {.until = number};
  }
  return {};
}

bool Images::waits(std::size_t number, std::size_t point) const {
  return number <= point && point < waits_[number - 1].until;
}

std::vector<std::size_t> Images::waiting(std::size_t point) const {
  std::vector<std::size_t> numbers;
  for (std::size_t number = 1; number <= point; ++number)
    if (waits(number, point)) numbers.push_back(number);
  return numbers;
}

bool Images::is_crest(std::size_t point) const {
  if (point == last()) return true;
  for (std::size_t number = 1; number <= point; ++number)
    if (waits_[number - 1].until == point + 1 || waits_[number - 1].doubtful == point + 1) return true;
  return false;
}

bool Images::is_doubtful(std::size_t operation, std::size_t point) const {
  return waits_[operation - 1].doubtful <= point;
}

std::optional<std::size_t> Images::file(std::size_t operation) const {
  const auto& step = steps_[operation - 1];
  return changes_data(step.kind) ? std::optional(step.node) : std::nullopt;
}

std::string Images::said(std::size_t point) const {
  std::string said;
  for (std::size_t number = 1; number <= point; ++number)
    if (operation(number).kind == OperationKind::said) said += operation(number).data;
  return said;
}

const Disk& Images::durable(std::size_t steps) const {
  if (steps < durable_steps_) {
    durable_ = base_;
    durable_steps_ = 0;
  }
  for (; durable_steps_ < steps; ++durable_steps_) durable_.apply(steps_[durable_steps_]);
  return durable_;
}

Files Images::at(std::size_t point, const std::vector<Fate>& fates) const {
  std::size_t number = 1;
  while (number <= point && !waits(number, point)) ++number;
  Disk disk = durable(number - 1);
  for (auto fate = fates.begin(); number <= point; ++number)
    disk.apply(steps_[number - 1], waits(number, point) ? *fate++ : Fate{});
  return disk.files();
}

}  // namespace belay::faults
