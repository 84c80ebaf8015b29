#include "recovery/file_system.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <vector>

#include "tests/engine/fixture.h"

namespace belay::recovery {
namespace {

class NetworkFileSystemTest : public testing::Test {
 protected:
  /// As the kernel numbers that of `folder`.
  std::string device() {
    struct stat status {};
    EXPECT_EQ(::stat(folder.path().c_str(), &status), 0);
    return fmt::format("{}:{}", major(status.st_dev), minor(status.st_dev));
  }
  /// What is said of a file in `folder` where the kernel would say that a file system of this type is there.
  std::string said_of(const std::string& type, const std::string& file = "app.db") {
    write(
        fmt::format("22 1 0:999 / /proc rw - nfs4 elsewhere rw\n"
                    "36 35 {} / /srv rw,noatime master:1 shared:7 - {} server:/export rw,hard\n",
                    device(), type));
    return network_file_system(folder / file, mounts);
  }
  void write(const std::string& lines) const { engine::write_file(mounts, lines); }

  engine::Folder folder;
  std::filesystem::path mounts = folder / "mountinfo";
};

TEST_F(NetworkFileSystemTest, IsNamedAsTheKernelNamesIt) {
  for (const std::string type : {"nfs", "nfs4", "cifs", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs"})
    EXPECT_EQ(said_of(type), type);
}

TEST_F(NetworkFileSystemTest, LocalOneIsNone) {
  for (const std::string type : {"ext4", "xfs", "btrfs", "overlay", "tmpfs", "fuseblk", "fuse.encfs", "nfsd"})
    EXPECT_EQ(said_of(type), "") << type;
  EXPECT_EQ(network_file_system(folder / "app.db"), "");
}

TEST_F(NetworkFileSystemTest, IsThatOfTheNearestFolderThereIs) {
  EXPECT_EQ(said_of("nfs4", "not/there/yet/app.db"), "nfs4");
  EXPECT_EQ(network_file_system(":memory:", mounts), "");
}

TEST_F(NetworkFileSystemTest, IsNotGuessed) {
  EXPECT_EQ(network_file_system(folder / "app.db", folder / "nothing"), "");
  const std::vector<std::string> unknown{"", "\n\n", "36", "36 35 0:999 / /srv rw - nfs4 server:/export rw\n",
                                         "36 35 " + device() + " / /srv rw nfs4"};
  for (const auto& lines : unknown) {
    write(lines);
    EXPECT_EQ(network_file_system(folder / "app.db", mounts), "") << lines;
  }
  EXPECT_EQ(said_of(""), "");
}

}  // namespace
}  // namespace belay::recovery
