#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/before_images.h"
#include "tests/without_counter.h"

namespace belay::engine {

/// Before-images in memory, unit by unit.
class Kept final : public BeforeImages {
 public:
  struct Unit {
    std::vector<std::pair<std::uint64_t, std::string>> images;
    std::vector<std::pair<std::string, std::string>> footprints;
  };

  void keep(std::uint64_t place, std::string_view content) override {
    for (const auto& [known, unused] : units.back().images) EXPECT_NE(known, place) << "kept twice";
    units.back().images.emplace_back(place, content);
  }
  void seal(const std::string& before, const std::string& after) override {
    units.back().footprints.emplace_back(before, after);
    images_at_seal = units.back().images.size();
  }

  [[nodiscard]] Restoration restoration(std::size_t first = 0) const {
    Restoration what;
    for (std::size_t i = first; i < units.size(); ++i)
      what.parts.push_back({units[i].footprints.at(0).first, [&unit = units[i]](const Restoration::Visit& visit) {
                              for (const auto& [place, content] : unit.images) visit(place, content);
                            }});
    what.expected = {units.back().footprints.back().second};
    return what;
  }

  std::vector<Unit> units;
  std::size_t images_at_seal = 0;
};

/// What a restore is told on its way is of no use to most tests.
class Unheard final : public Seals {
 public:
  void seal(const std::string& /*before*/, const std::string& /*after*/) override {}
};

}  // namespace belay::engine
