#include "tests/faults/block_device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace belay::faults {
namespace {

namespace fs = std::filesystem;

TEST(DiskImage, TakesOnAContentWhateverWasThere) {
  MemoryFile file("image", 64 * block_bytes);
  DiskContent first;
  first.write(3 * block_bytes, std::string(2 * block_bytes, 'a'));
  DiskContent second;
  second.write(4 * block_bytes + sector_bytes, std::string(sector_bytes, 'b'));
  file.become(first);
  file.become(second);
  EXPECT_EQ(file.content().blocks(), second.blocks());
}

TEST(DiskImage, WritesAcrossTheEndOfABlock) {
  DiskContent content;
  content.write(block_bytes - sector_bytes, std::string(2 * sector_bytes, 'x'));
  ASSERT_EQ(content.blocks().size(), 2U);
  EXPECT_EQ(content.blocks().at(0).back(), 'x');
  EXPECT_EQ(content.blocks().at(1).at(sector_bytes), '\0');
}

class BlockDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = block_obstacle()) GTEST_SKIP() << *obstacle;
    fs::create_directories(folder_);
    said_ = ::memfd_create("said", MFD_CLOEXEC);
    disk_ = std::make_unique<LoggedDisk>(folder_ / "disk", file_systems().back().disk_bytes,
                                         LoggedDisk::Said{said_, said_});
  }
  void TearDown() override {
    disk_.reset();
    ::close(said_);
    fs::remove_all(folder_);
  }

  /// @returns 0 when it is on the disk, else the error.
  static int write_block(const LoopDevice& device, std::uint64_t block) {
    const int file = ::open(device.path().c_str(), O_WRONLY | O_CLOEXEC);
    const std::string data(block_bytes, 'x');
    const bool good =
        ::pwrite(file, data.data(), data.size(), static_cast<off_t>(block * block_bytes)) > 0 && ::fsync(file) == 0;
    const int error = good ? 0 : errno;
    ::close(file);
    return error;
  }
  static void write_file(const fs::path& path, bool synced) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    EXPECT_EQ(::write(file, "text", 4), 4);
    EXPECT_EQ(synced ? ::fsync(file) : 0, 0);
    ::close(file);
  }

  fs::path folder_ = fs::path("/dev/shm") / ("belay-block-device-" + std::to_string(::getpid()));
  int said_ = -1;
  std::unique_ptr<LoggedDisk> disk_;
};

TEST_F(BlockDevice, LogsWritesAndFlushesInTheirOrder) {
  const auto device = disk_->attach();
  disk_->record(true);
  ASSERT_EQ(write_block(*device, 7), 0);
  const auto operations = disk_->operations();
  ASSERT_EQ(operations.size(), 2U);
  EXPECT_EQ(operations[0].offset, 7 * block_bytes);
  EXPECT_EQ(operations[0].data, std::string(block_bytes, 'x'));
  EXPECT_TRUE(operations[1].flush);
}

TEST_F(BlockDevice, LogsHowMuchHadBeenSaid) {
  const auto device = disk_->attach();
  disk_->record(true);
  write_block(*device, 1);
  ASSERT_EQ(::write(said_, "applied", 7), 7);
  write_block(*device, 2);
  const auto operations = disk_->operations();
  ASSERT_EQ(operations.size(), 4U);
  EXPECT_EQ(operations[1].out, 0U);
  EXPECT_EQ(operations[2].out, 7U);
}

TEST_F(BlockDevice, FailsOneWriteOrAllFromThereOn) {
  const auto device = disk_->attach();
  disk_->fail_at(2, false);
  EXPECT_EQ(write_block(*device, 1), 0);
  EXPECT_EQ(write_block(*device, 2), EIO);
  EXPECT_EQ(write_block(*device, 3), 0);
  disk_->fail_at(1, true);
  EXPECT_EQ(write_block(*device, 4), EIO);
  EXPECT_EQ(write_block(*device, 5), EIO);
  disk_->heal();
  EXPECT_EQ(write_block(*device, 6), 0);
}

TEST_F(BlockDevice, AfterAPowerCutThereIsWhatWasSynced) {
  for (const auto& system : file_systems()) {
    SCOPED_TRACE(system.name);
    disk_->file().become(system.made());
    const auto device = disk_->attach();
    auto mount = system.mount(*device, folder_ / "mounted");
    write_file(mount.folder() / "synced", true);
    write_file(mount.folder() / "not-synced", false);
    const auto cut = disk_->file().content();
    mount.end();

    MemoryFile image("image", system.disk_bytes);
    image.become(cut);
    const LoopDevice after(image.descriptor());
    const auto again = system.mount(after, folder_ / "mounted", true);
    std::ifstream file(again.folder() / "synced");
    std::string text;
    EXPECT_TRUE(file >> text && text == "text");
    EXPECT_FALSE(fs::exists(again.folder() / "not-synced"));
  }
}

/// Waits for it, because the kernel takes things down behind the process.
bool is_free(const std::string& device) {
  const auto file = fs::path("/sys/block") / fs::path(device).filename() / "loop" / "backing_file";
  for (int tries = 0; tries < 500 && fs::exists(file); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return !fs::exists(file);
}

TEST_F(BlockDevice, LeavesNothingBehindWhenItIsKilled) {
  std::array<int, 2> told{};
  ASSERT_EQ(::pipe2(told.data(), O_CLOEXEC), 0);
  if (const pid_t child = ::fork(); child == 0) {
    if (mount_obstacle()) ::_exit(1);  // Not those of this process, which lives on.
    LoggedDisk disk(folder_ / "childs", file_systems().front().disk_bytes, {said_, said_});
    disk.file().become(file_systems().front().made());
    const auto device = disk.attach();
    const auto mount = file_systems().front().mount(*device, folder_ / "mounted");
    write_file(mount.folder() / "not-synced", false);
    if (::write(told[1], device->path().data(), device->path().size()) > 0) ::raise(SIGKILL);
    ::_exit(1);
  } else {
    std::string device(64, '\0');
    const auto size = ::read(told[0], device.data(), device.size());
    ASSERT_GT(size, 0);
    device.resize(static_cast<std::size_t>(size));
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(is_free(device)) << device;
  }
  for (const int end : told) ::close(end);
}

}  // namespace
}  // namespace belay::faults
