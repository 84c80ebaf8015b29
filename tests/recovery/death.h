#pragma once

#include <csignal>
#include <functional>
#include <memory>
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

/// Calls `act` the next time that a library opens a file of that name.
void before_open(const std::string& name, std::function<void()> act);

/// A connection that does everything as the one below it, and tells of each call.
class Watched final : public engine::Connection {
 public:
  using Listen = std::function<void(const std::string&)>;
  /// @param listen  hears `before commit`, `after commit`, `before run`, …
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
  [[nodiscard]] bool has_table(std::string_view name) override { return below_->has_table(name); }
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
};

}  // namespace belay::recovery
