#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/laboratory.h"

namespace belay::faults {

/// A bug of the kind that loses data, seeded into a copy of one source file: tests/faults/mutants/NAME.patch. A harness
/// that does not find it proves nothing.
struct Mutant {
  std::string_view name;
  std::string_view what;
  // Where it shows; all of it is searched until the first violation.
  std::string_view classes;
  std::string_view scenario;
  std::string_view mode;
  std::string_view policy;
};

const std::vector<Mutant>& mutants();

/// Searches each of them, and tells what has killed it.
/// @param plan  its `mutants` is the folder of their binaries, each of which is called belay_NAME.
/// @returns how many were killed: by a case, while all that nothing happened to went well.
std::size_t kill_mutants(const Plan& plan, std::ostream& out);

}  // namespace belay::faults
