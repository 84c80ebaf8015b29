#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/versions/fixtures.h"
#include "versions/script.h"

namespace belay::versions {

/// Less than 20 revisions, at least `least`, each with up to three of the earlier ones as parents, given in any order.
inline std::vector<Script> random_scripts(int least = 0) {
  const int count = *rc::gen::inRange(least, 20);
  std::vector<Script> scripts;
  for (int i = 0; i < count; ++i) {
    Script script = revision("r" + std::to_string(i));
    std::set<int> parents;
    for (const int parent : *rc::gen::container<std::vector<int>>(3, rc::gen::inRange(-i - 1, i)))
      parents.insert(parent);
    for (const int parent : parents) {
      if (parent >= 0) script.parents.push_back({"r" + std::to_string(parent)});
    }
    scripts.push_back(std::move(script));
  }
  std::shuffle(scripts.begin(), scripts.end(), std::mt19937(*rc::gen::arbitrary<unsigned>()));
  return scripts;
}

}  // namespace belay::versions
