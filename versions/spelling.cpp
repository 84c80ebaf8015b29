#include "versions/spelling.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "versions/words.h"

namespace belay::versions {
namespace {

bool same(char a, char b) {
  return to_lower(a) == to_lower(b);
}

std::size_t gap(std::size_t a, std::size_t b) {
  return a < b ? b - a : a - b;
}

/// Keeps its rows from one pair of words to the next: with many candidates, allocating would be most of the work.
class Measure {
 public:
  std::size_t operator()(std::string_view a, std::string_view b, std::size_t limit) {
    if (gap(a.size(), b.size()) > limit) return limit + 1;
    before_.assign(b.size() + 1, 0);
    last_.assign(b.size() + 1, 0);
    row_.assign(b.size() + 1, 0);
    for (std::size_t j = 0; j <= b.size(); ++j) last_[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      // The least of a row never falls from one row to the next, so nothing below can come back under the limit.
      if (fill_row(a, b, i) > limit) return limit + 1;
    }
    return std::min(last_[b.size()], limit + 1);
  }

 private:
  std::size_t fill_row(std::string_view a, std::string_view b, std::size_t i) {
    std::size_t least = row_[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row_[j] = std::min({last_[j] + 1, row_[j - 1] + 1, last_[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row_[j] = std::min(row_[j], before_[j - 2] + 1);
      }
      least = std::min(least, row_[j]);
    }
    std::swap(before_, last_);
    std::swap(last_, row_);
    return least;
  }

  std::vector<std::size_t> before_;
  std::vector<std::size_t> last_;
  std::vector<std::size_t> row_;
};

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  return Measure()(a, b, limit);
}

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
  Measure measure;
  std::string_view best;
  std::size_t allowed = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = measure(word, candidate, allowed - 1);
    if (distance >= allowed || distance >= std::max(word.size(), candidate.size())) continue;
    best = candidate;
    allowed = distance;
    if (distance == 0) break;
  }
  return std::string(best);
}

}  // namespace belay::versions
