#include "journal/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "journal/images.h"

namespace belay::journal {
namespace {

constexpr Lsn last_possible{std::numeric_limits<std::uint64_t>::max()};

struct StoredRun {
  RunId run;
  RunSpan span;
};

/// The first one from `from` on.
std::optional<StoredRun> find_run(const lmdb::Transaction& transaction, const Tables& tables, RunId from) {
  const auto item = lmdb::Cursor(transaction, tables.runs).seek(key_of(from));
  if (!item) return std::nullopt;
  const RunId run{number_of(item->key)};
  return StoredRun{run, open_span(run, item->value)};
}

std::optional<StoredRun> next_run(const lmdb::Transaction& transaction, const Tables& tables, RunId run) {
  return find_run(transaction, tables, {run.value + 1});
}

/// Of what is in force.
std::uint64_t image_bytes(lmdb::Transaction& transaction, const Head& head, Lsn first, Lsn last) {
  const auto images = find_images(transaction);
  return images ? image_use(transaction, *images, std::max(first, head.first_image), last).bytes : 0;
}

void drop_run(lmdb::Transaction& transaction, const Tables& tables, Head& head, const StoredRun& oldest) {
  const auto& [run, span] = oldest;
  const auto newest = transaction.get(tables.log, key_of(span.last));
  if (span.first != head.first || span.last < span.first || !newest) {
    throw Error(ErrorCode::damaged, fmt::format("the records of run {} are not where they should be", run.value), {},
                span.first);
  }
  head.anchor = open_record(span.last, *newest).checksum;
  head.first = {span.last.value + 1};
  head.first_image = std::max(head.first_image, head.first);
  head.bytes -= span.bytes;
  for (Lsn lsn = span.first; lsn <= span.last; ++lsn.value) transaction.erase(tables.log, key_of(lsn));
  transaction.erase(tables.runs, key_of(run));
}

/// The newest run stays, so an open one does too.
template <class Exceeded>
std::uint64_t drop_oldest(lmdb::Transaction& transaction, const Tables& tables, Head& head, const Exceeded& exceeded) {
  const std::uint64_t before = transaction.count(tables.runs);
  std::uint64_t runs = before;
  for (; runs > 1 && exceeded(runs); --runs) {
    drop_run(transaction, tables, head, find_run(transaction, tables, {}).value());
  }
  return before - runs;
}

/// The images of the newest run that has any stay: they are what the next undo needs, and an open run's restart. (Not
/// of the newest run: one that failed or gave up at once would cost those of the run before it.)
void let_images_go(lmdb::Transaction& transaction, const Tables& tables, Head& head, std::uint64_t bytes_max) {
  std::uint64_t images = image_bytes(transaction, head, head.first, last_possible);
  auto oldest = find_run(transaction, tables, {});
  while (oldest && head.bytes + images > bytes_max) {
    const std::uint64_t own = image_bytes(transaction, head, oldest->span.first, oldest->span.last);
    if (own == images) return;
    images -= own;
    head.first_image = std::max(head.first_image, Lsn{oldest->span.last.value + 1});
    oldest = next_run(transaction, tables, oldest->run);
  }
}

}  // namespace

std::vector<Journal::Run> list_runs(lmdb::Transaction& transaction, const Tables& tables, const Head& head) {
  std::vector<Journal::Run> runs;
  for (auto stored = find_run(transaction, tables, {}); stored; stored = next_run(transaction, tables, stored->run)) {
    const auto& [run, span] = *stored;
    runs.push_back({run, span.first, span.last, image_bytes(transaction, head, span.first, span.last)});
  }
  return runs;
}

std::uint64_t prune_runs(lmdb::Transaction& transaction, const Tables& tables, Head& head,
                         const Journal::Retention& retention) {
  std::uint64_t dropped = 0;
  try {
    dropped += drop_oldest(transaction, tables, head, [&](std::uint64_t runs) { return runs > retention.runs; });
    let_images_go(transaction, tables, head, retention.bytes);
    dropped += drop_oldest(transaction, tables, head, [&](std::uint64_t) { return head.bytes > retention.bytes; });
  } catch (const Error& error) {
    // An old run that is damaged stays, with those behind it, rather than the newest one cannot end. `verify` tells.
    if (error.code() != ErrorCode::damaged) throw;
  }
  if (const auto images = find_images(transaction)) erase_images_before(transaction, *images, head.first_image);
  return dropped;
}

}  // namespace belay::journal
