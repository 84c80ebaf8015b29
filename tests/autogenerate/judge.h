#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "tests/autogenerate/product.h"
#include "tests/engine/fixture.h"
#include "versions/schema/rename.h"

namespace belay::proof {

/// A change of schema to be generated and applied.
struct Case {
  std::string current;
  std::string desired;
  versions::schema::Renames renames{};
  bool rows = false;                                 ///< The tables have some.
  std::uint64_t seed = 0;                            ///< Of these.
  std::string insert{};                              ///< Rows by hand, put in after those.
  std::function<std::string(std::string)> tamper{};  ///< Makes another script of the one that was generated.
};

/// What became of it.
struct Verdict {
  enum class Outcome : std::uint8_t {
    passed,   ///< Every check did.
    refused,  ///< Before anything was touched, and rightly: these rows cannot be had in that schema.
    wrong
  };
  Outcome outcome = Outcome::passed;
  std::string why;                ///< Of what is wrong: which check, and what was found.
  std::set<std::string> hazards;  ///< That were named.
  std::string script;             ///< That was generated.
};

/// Generates, applies, and checks: what the schema is afterwards, whether every row is there, and whether the way back
/// leads back. Nothing is judged by the text of the script. One folder serves any number of cases.
class Judge {
 public:
  Verdict judge(const Case& it);

 private:
  void clear();
  engine::Folder folder_;
};

}  // namespace belay::proof
