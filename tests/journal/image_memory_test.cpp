#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cstring>

#include "journal/journal.h"
#include "tests/journal/images.h"

// Memory does not grow with what is kept: images of 300 MiB, in a process whose every page is counted.

namespace belay::journal {
namespace {

constexpr std::uint64_t page_count = 300U << 20U >> 12U;
constexpr long kib_max = 48L * 1024;

class ImageMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "a sanitizer's own memory counts";
    ::malloc_trim(0);  // what earlier tests left would be the child's too
    ASSERT_EQ(run_child([this] { keep(); }), 0);
  }

  /// What page `number` held: noise, by splitmix64.
  static std::string page(std::uint64_t number) {
    std::string page(4096, '\0');
    std::uint64_t state = number << 32U;
    for (std::size_t at = 0; at < page.size(); at += sizeof state) {
      std::uint64_t word = state += 0x9E3779B97F4A7C15;
      word = (word ^ word >> 30U) * 0xBF58476D1CE4E5B9;
      word = (word ^ word >> 27U) * 0x94D049BB133111EB;
      word ^= word >> 31U;
      std::memcpy(page.data() + at, &word, sizeof word);
    }
    return page;
  }

  void keep() const {
    Journal journal = Journal::create(file_, "database-1");
    journal.begin({}, {revision("1")});
    const Lsn begin = journal.append(TransactionBegin{});
    for (std::uint64_t i = 0; i < page_count; ++i) journal.keep_image(i, page(i));
    journal.flush();
    journal.append(TransactionCommit{begin});
    journal.end({}, {});
    require_little_memory();
  }

  static void require_little_memory() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    if (usage.ru_maxrss < kib_max) return;
    fprintf(stderr, "%ld KiB were in memory\n", usage.ru_maxrss);
    ::_exit(2);
  }

  static void require(bool holds) {
    if (!holds) ::_exit(3);
  }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "journal.lmdb";
};

TEST_F(ImageMemoryTest, KeepingAndScanningTakeLittle) {
  EXPECT_GT(std::filesystem::file_size(file_), 300U << 20U);
  EXPECT_EQ(run_child([this] {
              const Journal journal = Journal::open(file_, Journal::Access::read);
              std::uint64_t next = 0;
              journal.scan_images({3}, [&next](std::uint64_t place, std::string_view content) {
                require(place == next && content == page(next));
                ++next;
              });
              require(next == page_count);
              require_little_memory();
            }),
            0);
}

TEST_F(ImageMemoryTest, VerifyingAndListingTakeLittle) {
  EXPECT_EQ(run_child([this] {
              const Journal journal = Journal::open(file_, Journal::Access::read);
              require(journal.verify().image_bytes > 300U << 20U);
              require(journal.runs().at(0).image_bytes > 300U << 20U);
              require_little_memory();
            }),
            0);
}

TEST_F(ImageMemoryTest, ErasingTakesLittle) {
  EXPECT_EQ(run_child([this] {
              Journal journal = Journal::open(file_, Journal::Access::write);
              journal.begin({}, {revision("1")});
              const Lsn begin = journal.append(TransactionBegin{{3}});
              journal.keep_image(1, "newer");
              journal.append(TransactionCommit{begin});
              journal.end({}, {.bytes = 1U << 20U});
              require(journal.runs().at(0).image_bytes == 0);
              require_little_memory();
            }),
            0);
}

}  // namespace
}  // namespace belay::journal
