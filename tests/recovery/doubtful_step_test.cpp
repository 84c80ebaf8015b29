// Steps that may not be run twice, or of which nothing was kept: what a person has to decide, and what images decide.

#include "recovery/restart.h"
#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

/// A run that was killed in a step that may not be run twice, as an earlier belay could leave it.
class DoubtfulTest : public UndoTest {
 protected:
  void interrupt_in_mixed_step(bool acknowledged) {
    interrupt_in("-- migrate:step s transaction:off\nINSERT INTO t VALUES (1);\nVACUUM;", [&](engine::Site& site) {
      const auto begin = begin_step(site);
      site.connection().query("INSERT INTO t VALUES (1)");
      if (acknowledged) site.versions().set_last_lsn(begin);
    });
  }
  /// A run of a second revision, in a process that dies behind this.
  void interrupt_in(const std::string& sql, const std::function<void(engine::Site&)>& work) {
    script("001", "CREATE TABLE t (id);");
    upgrade();
    const int status = run_child([&] {
      engine::Site site(engine::connect(Places(settings).url, {}), Places(settings).journal);
      site.journal().begin({.command = "migrate"}, {engine::up("002", sql)});
      work(site);
      die();
    });
    ASSERT_TRUE(was_killed(status));
  }
  /// Promises the first step, and keeps nothing that it overwrites.
  static journal::Lsn begin_step(engine::Site& site) {
    const auto begin = site.journal().append(journal::TransactionBegin{site.journal().last_commit()});
    site.journal().append(journal::StepBegin{0, 0, {}});
    site.journal().flush();
    return begin;
  }
};

/// The same step, killed in a belay that keeps before-images.
class ImagedTest : public DoubtfulTest {
 protected:
  void interrupt_with_images(bool happened) {
    interrupt_in("-- migrate:step s transaction:off\nINSERT INTO t VALUES (1);\nVACUUM;", [&](engine::Site& site) {
      engine::StepAlone alone(site.parts(), journal::StepBegin{0, 0, {}});
      if (happened) site.connection().query("INSERT INTO t VALUES (1)");
      die();
    });
    EXPECT_EQ(evidence().tail, Tail::alone_once);
    EXPECT_EQ(evidence().verdict(), Verdict::undo);
  }
};

TEST_F(ImagedTest, StepThatMayNotBeRunTwiceIsTakenBackAndRunOnce) {
  interrupt_with_images(true);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(recover(Policy::forward).recovered->direction, Policy::forward);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(ImagedTest, StepThatMayNotBeRunTwiceIsTakenBack) {
  interrupt_with_images(true);
  EXPECT_EQ(recover(Policy::back).recovered->direction, Policy::back);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(ImagedTest, StepOfWhichNothingHappenedIsWrittenOff) {
  interrupt_with_images(false);
  recover(Policy::back);
  EXPECT_EQ(last_run(), "RunBegin PlannedRevision TransactionBegin Footprint StepBegin TransactionRollback RunEnd");
}

/// The look said that what is applied stays, and the next run took it back.
TEST_F(ImagedTest, StepThatIsCommittedOnlyToBeTakenBackIsShownAsThat) {
  interrupt_with_images(true);
  for (int call = 1; evidence().verdict() != Verdict::redo; ++call) {
    const int status = run_child([&] {
      die_before_write(call);
      recover(Policy::back);
    });
    ASSERT_TRUE(was_killed(status));
  }
  const auto found = look().interrupted;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->back.would, "take back what is committed of revision 002, and close the run");
  EXPECT_FALSE(found->back.obstacle);
  EXPECT_FALSE(found->forward.obstacle);
  run("INSERT INTO t VALUES (77)");
  for (const Way& way : {look().interrupted->forward, look().interrupted->back})
    EXPECT_EQ(way.obstacle.value().code(), ErrorCode::foreign_writes);
  for (const Policy policy : {Policy::forward, Policy::back})
    EXPECT_EQ(code_of<Error>([&] { recover(policy); }), ErrorCode::foreign_writes);
  recover(Policy::back, true);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_FALSE(journal().open_run());
}

TEST_F(ImagedTest, StepThatOthersHaveWrittenBehindIsLeftToAPerson) {
  interrupt_with_images(true);
  run("INSERT INTO t VALUES (77)");
  for (const Policy policy : {Policy::forward, Policy::back})
    EXPECT_EQ(code_of<Error>([&] { recover(policy); }), ErrorCode::foreign_writes);
  EXPECT_TRUE(look().interrupted->forward.obstacle);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "2");
  recover(Policy::back, true);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
}

TEST_F(DoubtfulTest, StepThatMayNotBeRunTwiceIsInDoubt) {
  interrupt_in_mixed_step(false);
  EXPECT_EQ(evidence().tail, Tail::alone_blind);
  const auto error = error_of<Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), ErrorCode::in_doubt);
  EXPECT_FALSE(error.next().empty());
  const auto found = look().interrupted;
  ASSERT_TRUE(found);
  for (const Way& way : {found->forward, found->back}) {
    EXPECT_EQ(way.would, "stop at once");
    EXPECT_EQ(way.obstacle.value().code(), ErrorCode::in_doubt);
  }
  EXPECT_TRUE(journal().open_run());
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
}

TEST_F(DoubtfulTest, StepThatIsAcknowledgedIsNot) {
  interrupt_in_mixed_step(true);
  EXPECT_EQ(evidence().tail, Tail::alone_blind);
  script("002", "-- migrate:step s transaction:off repeatable:yes\nINSERT INTO t VALUES (1);\nVACUUM;");
  EXPECT_THROW(upgrade(), Error);  // The scripts have another digest: drift, found behind the restart.
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
}

TEST_F(DoubtfulTest, VacuumOfWhichNothingWasKeptIsRepeatedInATransactionOfItsOwn) {
  interrupt_in("-- migrate:step v transaction:off\nVACUUM;", [](engine::Site& site) {
    begin_step(site);
    site.connection().query("VACUUM");
  });
  EXPECT_EQ(evidence().verdict(), Verdict::repeat);
  EXPECT_EQ(recover(Policy::forward).recovered->direction, Policy::forward);
  EXPECT_EQ(applied(), "001 002");
  EXPECT_TRUE(last_run().starts_with(
      "RunBegin PlannedRevision TransactionBegin StepBegin TransactionRollback TransactionBegin Footprint StepBegin "))
      << last_run();
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(DoubtfulTest, VacuumOfWhichNothingWasKeptIsWrittenOffOnTheWayBack) {
  interrupt_in("-- migrate:step v transaction:off\nVACUUM;", [](engine::Site& site) { begin_step(site); });
  EXPECT_EQ(recover(Policy::back).recovered->direction, Policy::back);
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(last_run(), "RunBegin PlannedRevision TransactionBegin StepBegin TransactionRollback RunEnd");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(DoubtfulTest, PartOfWhichNothingWasKeptCanOnlyBeGoneOnWith) {
  interrupt_in("INSERT INTO t VALUES (1);\n-- migrate:step b transaction:off\nINSERT INTO t VALUES (2);",
               [](engine::Site& site) {
                 const auto begin = begin_step(site);
                 site.connection().query("INSERT INTO t VALUES (1)");
                 site.versions().set_last_lsn(begin);
                 site.journal().append(journal::TransactionCommit{begin});
                 site.journal().flush();
               });
  const auto error = error_of<Error>([&] { recover(Policy::back); });
  EXPECT_EQ(error.code(), ErrorCode::in_doubt);
  EXPECT_NE(std::string(error.what()).find("cannot be taken back: the before-images of transaction"), std::string::npos)
      << error.what();
  EXPECT_EQ(error.file(), Places(settings).journal.string());
  EXPECT_NE(error.next().find("--forward"), std::string::npos) << error.next();
  const auto obstacle = look().interrupted->back.obstacle;
  ASSERT_TRUE(obstacle);
  EXPECT_EQ(obstacle->code(), error.code());
  EXPECT_STREQ(obstacle->what(), error.what());
  EXPECT_FALSE(look().interrupted->forward.obstacle);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
  recover(Policy::forward);
  EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), "1 2");
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

}  // namespace
}  // namespace belay::recovery
