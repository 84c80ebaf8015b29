#include "tests/faults/images.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>

#include "tests/faults/control.h"
#include "tests/faults/losses.h"

namespace belay::faults {
namespace {

using How = Fate::How;
using Kind = OperationKind;

constexpr std::uint64_t database = 10;
constexpr std::uint64_t folder = 20;
constexpr std::uint64_t root = 1;

Files base() {
  return {{"app.db", {.content = "old", .modified_ns = 5, .inode = database}},
          {"sub/", {.content = {}, .modified_ns = 0, .inode = folder}}};
}

Operation write(std::uint64_t inode, std::string data, std::int64_t offset = 0) {
  return {
      .kind = Kind::write, .inode = inode, .path = "x", .offset = offset, .modified_ns = 70, .data = std::move(data)};
}
Operation sync(std::uint64_t inode, bool failed = false) {
  return {.kind = Kind::sync, .failed = failed, .inode = inode, .path = inode == root ? "" : "x"};
}
Operation create(std::string path, std::uint64_t inode) {
  return {.kind = Kind::create, .inode = inode, .path = std::move(path), .modified_ns = 60};
}
Operation rename(std::string path, std::string second) {
  return {.kind = Kind::rename, .path = std::move(path), .second = std::move(second)};
}
Operation remove(std::string path) {
  return {.kind = Kind::remove, .path = std::move(path)};
}
Operation said(std::string data) {
  return {.kind = Kind::said, .data = std::move(data)};
}

using Numbers = std::vector<std::size_t>;

/// What is left when everything that waits at the end is lost, or is kept.
Files least(const Images& images) {
  return images.at(images.last(), std::vector<Fate>(images.waiting(images.last()).size(), Fate{How::dropped}));
}
Files most(const Images& images) {
  return images.at(images.last(), std::vector<Fate>(images.waiting(images.last()).size()));
}

std::set<std::string> names(const Files& files) {
  std::set<std::string> names;
  for (const auto& [path, file] : files) names.insert(path);
  return names;
}

// ---- data ----

TEST(Images, AWriteIsLostUntilItsFileIsSynced) {
  const Images images(base(), {write(database, "new"), sync(database)});
  EXPECT_EQ(images.waiting(1), Numbers{1});
  EXPECT_EQ(images.at(1, {{How::dropped}}).at("app.db").content, "old");
  EXPECT_EQ(images.at(1, {{How::kept}}).at("app.db").content, "new");
  EXPECT_EQ(images.waiting(2), Numbers{});
  EXPECT_EQ(images.at(2, {}).at("app.db").content, "new");
}

TEST(Images, AnotherFilesSyncMakesNothingDurable) {
  const Images images(base(), {create("other", 11), write(database, "new"), sync(11), sync(root)});
  EXPECT_EQ(images.waiting(4), Numbers{2});
}

TEST(Images, AWriteAfterTheSyncWaits) {
  const Images images(base(), {write(database, "a"), sync(database), write(database, "b", 1)});
  EXPECT_EQ(images.waiting(3), Numbers{3});
  EXPECT_EQ(least(images).at("app.db").content, "ald");
}

TEST(Images, AWriteThatSyncsItselfWaitsOnlyWhileItIsUnderWay) {
  auto meta = write(database, "M");
  meta.durable = true;
  const Images images(base(), {write(database, "d", 2), meta, said("done")});
  EXPECT_EQ(images.waiting(2), (Numbers{1, 2}));
  EXPECT_EQ(images.waiting(3), Numbers{1}) << "the data before it is not durable by it";
  EXPECT_EQ(least(images).at("app.db").content, "Mld");
}

TEST(Images, WhatWaitedAtASyncThatFailedIsLostForGood) {
  const Images images(base(), {write(database, "a"), sync(database, true), write(database, "b", 1), sync(database)});
  EXPECT_EQ(images.waiting(4), Numbers{1});
  EXPECT_TRUE(images.is_doubtful(1, 4));
  EXPECT_FALSE(images.is_doubtful(1, 1));
  EXPECT_EQ(least(images).at("app.db").content, "obd");
}

TEST(Images, ATruncationWaitsAsAWriteDoes) {
  const Images images(base(), {{.kind = Kind::truncate, .inode = database, .path = "app.db", .offset = 1}});
  EXPECT_EQ(least(images).at("app.db").content, "old");
  EXPECT_EQ(most(images).at("app.db").content, "o");
}

TEST(Images, AWriteBehindTheEndLeavesZerosBetween) {
  const Images images(base(), {write(database, "x", 3), write(database, "y", 5)});
  EXPECT_EQ(images.at(2, {{How::dropped}, {How::kept}}).at("app.db").content, std::string("old\0\0y", 6));
}

TEST(Images, ATornWriteLosesWholeSectors) {
  const std::string data = std::string(512, 'a') + std::string(512, 'b') + std::string(100, 'c');
  const Images images(base(), {write(database, data, 512)});
  const auto after = [&](How how) { return images.at(1, {{how, 3}}).at("app.db").content; };
  const std::string gap = "old" + std::string(509, '\0');
  EXPECT_EQ(after(How::first_half), gap + data.substr(0, 1024));
  EXPECT_EQ(after(How::last_half), gap + std::string(1024, '\0') + data.substr(1024));
  EXPECT_EQ(after(How::zeros), gap + std::string(data.size(), '\0'));
}

TEST(Images, ATornWriteThatBeginsWithinASectorKeepsWhatIsAroundIt) {
  const Files files{{"app.db", {.content = std::string(1024, 'o'), .modified_ns = 5, .inode = database}}};
  const Images images(files, {write(database, std::string(512, 'n'), 256)});
  const auto content = images.at(1, {{How::first_half}}).at("app.db").content;
  EXPECT_EQ(content, std::string(256, 'o') + std::string(256, 'n') + std::string(512, 'o'));
}

TEST(Images, AWriteWithinOneSectorIsNeverTorn) {
  const Images images(base(), {write(database, "new")});
  EXPECT_EQ(images.at(1, {{How::first_half}}).at("app.db").content, "new");
  EXPECT_EQ(images.at(1, {{How::last_half}}).at("app.db").content, "new");
}

TEST(Images, AFileIsAsOldAsTheLastWriteThatIsLeft) {
  const Images images(base(), {write(database, "a")});
  EXPECT_EQ(least(images).at("app.db").modified_ns, 5);
  EXPECT_EQ(most(images).at("app.db").modified_ns, 70);
}

// ---- names ----

TEST(Images, ASyncedFileHasNoNameUntilItsFolderIsSynced) {
  const Images images(base(), {create("sub/new", 11), write(11, "n"), sync(11), sync(root), sync(folder)});
  EXPECT_EQ(images.waiting(4), Numbers{1}) << "the folder above is not its folder";
  EXPECT_FALSE(images.at(4, {{How::dropped}}).contains("sub/new"));
  EXPECT_EQ(images.at(5, {}).at("sub/new").content, "n");
}

TEST(Images, ANameMayBeThereWithoutTheData) {
  const Images images(base(), {create("new", 11), write(11, "n"), sync(root)});
  EXPECT_EQ(least(images).at("new").content, "");
}

TEST(Images, ARemovedFileMayComeBack) {
  const Images images(base(), {remove("app.db"), sync(root)});
  EXPECT_EQ(images.at(1, {{How::dropped}}).at("app.db").content, "old");
  EXPECT_FALSE(images.at(2, {}).contains("app.db"));
}

TEST(Images, ARenameKeepsTheInode) {
  const Images images(base(), {create("new", 11), rename("new", "app.db"), write(11, "n"), sync(11), sync(root)});
  EXPECT_EQ(images.waiting(4), (Numbers{1, 2}));
  EXPECT_EQ(images.at(4, {{How::dropped}, {How::dropped}}).at("app.db").content, "old");
  EXPECT_EQ(images.at(4, {{How::kept}, {How::dropped}}).at("new").content, "n");
  EXPECT_EQ(images.at(5, {}).at("app.db").content, "n");
}

TEST(Images, ARenameBetweenFoldersWaitsForBoth) {
  const Images images(base(), {rename("app.db", "sub/app.db"), sync(folder), sync(root)});
  EXPECT_EQ(images.waiting(2), Numbers{1});
  EXPECT_EQ(images.waiting(3), Numbers{});
  EXPECT_EQ(names(most(images)), (std::set<std::string>{"sub/", "sub/app.db"}));
}

TEST(Images, ALinkIsASecondNameOfTheSameFile) {
  const Images images(base(), {{.kind = Kind::link, .path = "app.db", .second = "sub/copy"},
                               write(database, "new"),
                               sync(folder),
                               sync(database)});
  EXPECT_EQ(images.waiting(4), Numbers{});
  EXPECT_EQ(most(images).at("sub/copy").content, "new");
  EXPECT_EQ(most(images).at("app.db").content, "new");
}

TEST(Images, AFolderThatIsLostTakesWhatIsInItAlong) {
  const Images images(base(), {{.kind = Kind::folder, .inode = 30, .path = "made"}, create("made/f", 31), sync(30)});
  EXPECT_EQ(images.waiting(3), Numbers{1});
  EXPECT_EQ(names(least(images)), names(base()));
  EXPECT_TRUE(most(images).contains("made/f"));
}

TEST(Images, ANumberThatComesBackIsANewFile) {
  const Images images(base(), {create("a", 11), write(11, "first"), sync(11), remove("a"), create("b", 11),
                               write(11, "2"), sync(root)});
  EXPECT_EQ(images.waiting(7), Numbers{6});
  EXPECT_EQ(least(images).at("b").content, "");
  EXPECT_EQ(most(images).at("b").content, "2");
}

TEST(Images, AFolderSyncThatFailedLeavesNamesInDoubt) {
  const Images images(base(), {create("a", 11), sync(root, true), sync(root)});
  EXPECT_EQ(images.waiting(3), Numbers{1});
}

TEST(Images, SharedMapsAreLeftOut) {
  const Images images(base(), {create("app.db-shm", 11), sync(root)});
  EXPECT_EQ(names(most(images)), names(base()));
}

TEST(Images, ARecordingWithAGapIsRefused) {
  EXPECT_THROW(Images(base(), {write(99, "n")}), std::runtime_error);
  EXPECT_THROW(Images(base(), {remove("nothing")}), std::runtime_error);
}

// ---- crash points ----

TEST(Images, WhatWasSaidGrowsWithTheCrashPoint) {
  const Images images(base(), {said("one "), write(database, "n"), said("two")});
  EXPECT_EQ(images.said(0), "");
  EXPECT_EQ(images.said(2), "one ");
  EXPECT_EQ(images.said(3), "one two");
}

TEST(Images, ACrestIsWhereSomethingStopsWaiting) {
  const Images images(base(), {write(database, "a"), write(database, "b"), sync(database), write(database, "c")});
  EXPECT_FALSE(images.is_crest(1));
  EXPECT_TRUE(images.is_crest(2));
  EXPECT_FALSE(images.is_crest(3));
  EXPECT_TRUE(images.is_crest(4));
}

TEST(Images, CrashPointsMayBeAskedForInAnyOrder) {
  const Images images(base(), {write(database, "a"), sync(database), write(database, "b"), sync(database)});
  EXPECT_EQ(images.at(4, {}).at("app.db").content, "bld");
  EXPECT_EQ(images.at(2, {}).at("app.db").content, "ald");
  EXPECT_EQ(images.at(0, {}).at("app.db").content, "old");
}

// ---- losses ----

std::set<std::string> contents(const Images& images, std::size_t point) {
  std::set<std::string> contents;
  each_loss(images, point, 1,
            [&](const Loss& loss) { contents.insert(images.at(point, loss.fates).at("app.db").content); });
  return contents;
}

TEST(Losses, AllSubsetsOfAFewAreTried) {
  const Images images(base(), {write(database, "a"), write(database, "b", 1), write(database, "c", 2)});
  EXPECT_EQ(contents(images, 3), (std::set<std::string>{"old", "ald", "obd", "olc", "abd", "alc", "obc", "abc"}));
}

TEST(Losses, EachOfManyIsLostAloneAndLeftAlone) {
  std::vector<Operation> writes;
  writes.reserve(20);
  for (int i = 0; i < 20; ++i) writes.push_back(write(database, "n", i));
  const auto seen = contents(Images(base(), writes), 20);
  for (std::size_t i = 3; i < 20; ++i) {
    std::string dropped(20, 'n');
    if (i < 19)
      dropped[i] = '\0';
    else
      dropped.pop_back();
    EXPECT_TRUE(seen.contains(dropped)) << i;
    EXPECT_TRUE(seen.contains("old" + std::string(i - 3, '\0') + "n")) << i;
  }
}

TEST(Losses, ALossIsTheSameForTheSameSeed) {
  const Images images(base(), {write(database, std::string(9000, 'a')), write(database, std::string(9000, 'b'), 9000)});
  const auto digests = [&](std::uint64_t seed) {
    std::set<std::uint64_t> all;
    each_loss(images, 2, seed, [&](const Loss& loss) { all.insert(digest(images.at(2, loss.fates))); });
    return all;
  };
  EXPECT_EQ(digests(1), digests(1));
  EXPECT_NE(digests(1), digests(2));
}

TEST(Losses, NamesAreDistinct) {
  const Images images(base(), {create("a", 11), write(11, std::string(2000, 'a')), write(database, "b")});
  std::vector<std::string> all;
  each_loss(images, 3, 1, [&](const Loss& loss) { all.push_back(loss.name); });
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_TRUE(std::count(all.begin(), all.end(), "last-half-alone:2"));
}

// ---- recordings ----

std::string bytes(OperationHeader header, const std::string& path, const std::string& data) {
  header.path_size = static_cast<std::uint16_t>(path.size());
  header.data_size = static_cast<std::uint32_t>(data.size());
  std::string all(sizeof header, '\0');
  std::memcpy(all.data(), &header, sizeof header);
  return all + path + data;
}

TEST(Recording, OperationsAreReadInOrder) {
  const auto read = read_recording(bytes({.kind = 'w', .durable = true, .inode = 7, .offset = 12}, "app.db", "data") +
                                   bytes({.kind = 's', .durable = true, .inode = 7}, "app.db", ""));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].data, "data");
  EXPECT_EQ(read[0].offset, 12);
  EXPECT_TRUE(read[0].durable);
  EXPECT_TRUE(read[1].failed);
  EXPECT_FALSE(read[1].durable);
}

TEST(Recording, ACutOneIsRefused) {
  const auto whole = bytes({.kind = 'w'}, "app.db", "data");
  EXPECT_THROW(read_recording(whole.substr(0, whole.size() - 1)), std::runtime_error);
  EXPECT_THROW(read_recording(whole.substr(0, 5)), std::runtime_error);
}

TEST(Recording, AnUnknownKindIsRefused) {
  EXPECT_THROW(read_recording(bytes({.kind = '?'}, "a", "")), std::runtime_error);
}

}  // namespace
}  // namespace belay::faults
