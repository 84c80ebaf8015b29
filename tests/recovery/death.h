#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/connection.h"

namespace belay::recovery {

/// Ends this process as `kill -9` does.
[[noreturn]] inline void die() {
  ::raise(SIGKILL);
  std::abort();
}

/// Kills this process just before its `call`-th call from here on that changes a file or makes a change durable, by
/// whatever library: write, sync, truncate, unlink, rename. 0: never.
void die_before_write(int call);

/// How a disk fails: at which call, counted in the same way, with which `errno`, and whether it stays so.
struct Fault {
  int call = 0;
  int error = 0;
  bool stays = false;
  std::string path{};  ///< Only calls for files whose path ends so are counted.
};
void fail_write(Fault fault);

/// A call that fails where nothing that a test can do to a file makes it: for the answers that the system may give, and
/// hardly ever does.
struct FailingCall {
  std::string name;  ///< `fsync`, `rename`, …: of those in death.cpp, and in failing_calls.cpp where that is linked.
  int error = 0;     ///< Its `errno`.
  int after = 0;     ///< So many calls of that name go well before it.
};
/// The next one, once.
void fail_call(FailingCall call);
/// @returns whether a call of that name is to fail, with `errno` set.
bool call_fails(const char* name);

/// Such a call.
struct Call {
  std::string name;   ///< `fdatasync`, `pwrite64`, …
  std::string path;   ///< Of the file or folder; for a rename the old one.
  std::string bytes;  ///< What is written, unless it is in several parts.
};
/// Tells of each such call, before it is made, until the next listener comes; nothing: nobody listens.
void hear_calls(std::function<void(const Call&)> listen);

/// Calls `act` the next time that a library opens a file of that name.
void before_open(const std::string& name, std::function<void()> act);

/// Tells of each `seal`: between its end and that of the call it is made in, the promise is durable and nothing has
/// happened.
class WatchedSeals final : public engine::Seals {
 public:
  using Listen = std::function<void(const std::string&)>;
  WatchedSeals(engine::Seals& below, Listen listen) : below_(below), listen_(std::move(listen)) {}

  void seal(const std::string& before, const std::string& after) override {
    listen_("before seal");
    below_.seal(before, after);
    listen_("after seal");
  }

 private:
  engine::Seals& below_;
  Listen listen_;
};

class WatchedImages final : public engine::BeforeImages {
 public:
  WatchedImages(engine::BeforeImages& below, WatchedSeals::Listen listen)
      : below_(below), seals_(below, std::move(listen)) {}

  void keep(std::uint64_t place, std::string_view content) override { below_.keep(place, content); }
  void seal(const std::string& before, const std::string& after) override { seals_.seal(before, after); }

 private:
  engine::BeforeImages& below_;
  WatchedSeals seals_;
};

/// A connection that does everything as the one below it, and tells of each call.
class Watched : public engine::Connection {
 public:
  using Listen = std::function<void(const std::string&)>;
  /// @param listen  hears `before commit`, `after commit`, `before run`, `after seal`, …
  Watched(std::unique_ptr<Connection> below, Listen listen) : below_(std::move(below)), listen_(std::move(listen)) {}

  [[nodiscard]] const engine::Capabilities& capabilities() const override { return below_->capabilities(); }
  void begin() override {
    around("begin", [&] { below_->begin(); });
  }
  void commit() override {
    around("commit", [&] { below_->commit(); });
  }
  void rollback() noexcept override { below_->rollback(); }
  [[nodiscard]] bool in_transaction() const override { return below_->in_transaction(); }
  void savepoint() override {
    around("savepoint", [&] { below_->savepoint(); });
  }
  void release_savepoint() override {
    around("release", [&] { below_->release_savepoint(); });
  }
  void rollback_to_savepoint() override {
    around("rollback to", [&] { below_->rollback_to_savepoint(); });
  }
  void run(const engine::ScriptStatement& statement, std::span<const engine::Parameter> parameters) override {
    around("run", [&] { below_->run(statement, parameters); });
  }
  std::vector<engine::Row> ask(const engine::ScriptStatement& statement) override { return below_->ask(statement); }
  std::vector<engine::Row> query(std::string_view sql, std::span<const engine::Parameter> parameters) override {
    return below_->query(sql, parameters);
  }
  void check_constraints() override {
    around("check", [&] { below_->check_constraints(); });
  }
  [[nodiscard]] bool standalone(std::string_view sql) const override { return below_->standalone(sql); }
  [[nodiscard]] bool repeatable(std::string_view sql) const override { return below_->repeatable(sql); }
  [[nodiscard]] bool prepares(std::string_view sql) const override { return below_->prepares(sql); }
  [[nodiscard]] bool crowded() const override { return below_->crowded(); }
  void reset_session() override { below_->reset_session(); }
  [[nodiscard]] std::optional<std::int64_t> sequence_of(std::string_view table) override {
    return below_->sequence_of(table);
  }
  [[nodiscard]] bool has_table(std::string_view name) override { return below_->has_table(name); }
  void capture(engine::BeforeImages* images) override {
    below_->capture(nullptr);
    images_.reset();
    if (images) below_->capture(&images_.emplace(*images, listen_));
  }
  std::string footprint() override { return below_->footprint(); }
  [[nodiscard]] bool follows(std::string_view next, std::string_view end) const override {
    return below_->follows(next, end);
  }
  void settle(engine::Seals& seals) override {
    WatchedSeals watched(seals, listen_);
    around("settle", [&] { below_->settle(watched); });
  }
  void restore(const engine::Restoration& what, engine::Seals& seals) override {
    WatchedSeals watched(seals, listen_);
    around("restore", [&] { below_->restore(what, watched); });
  }
  void outgrow(std::string_view state) override { below_->outgrow(state); }
  void copy_to(const std::string& path, const engine::CopyProgress& progress) override {
    below_->copy_to(path, progress);
  }
  void replace_with(const std::string& path, const engine::CopyProgress& progress) override {
    around("replace", [&] { below_->replace_with(path, progress); });
  }
  std::string find_corruption() override { return below_->find_corruption(); }
  std::string find_damage() override { return below_->find_damage(); }
  [[nodiscard]] std::string quote(std::string_view name) const override { return below_->quote(name); }
  void protect(std::vector<std::string> tables) override { below_->protect(std::move(tables)); }
  void stop_on(std::stop_token stop) override { below_->stop_on(std::move(stop)); }
  void interrupt() noexcept override { below_->interrupt(); }

 private:
  template <typename Act>
  void around(const std::string& call, Act act) {
    listen_("before " + call);
    act();
    listen_("after " + call);
  }

  std::unique_ptr<Connection> below_;
  Listen listen_;
  std::optional<WatchedImages> images_;
};

}  // namespace belay::recovery
