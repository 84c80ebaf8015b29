#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/faults/images.h"

namespace belay::faults {

/// What is lost of the operations that wait at a crash point. The name says it all, with the seed: `drop-one:43`.
struct Loss {
  std::string name;
  std::vector<Fate> fates;  ///< Of each that waits, in their order.
};

/// Calls `act` with the losses that are tried at this crash point:
///
/// | name | on the disk is |
/// | --- | --- |
/// | `prefix`, `drop-all` | everything that waits, or nothing of it |
/// | `drop-one:I`, `keep-one:I` | all but operation I, or it alone |
/// | `first-half:I`, `last-half:I`, `torn:I`, `zeros:I` | all, but I in part; with `-alone`: nothing but that part |
/// | `first:I`, `last:I` | what came before I and it, or it and what came after |
/// | `drop-file:I`, `keep-file:I` | all but what was written to I's file, or that alone |
/// | `no-names`, `no-data` | all but the changes of names, or those alone |
/// | `lost` | all but what waited at a sync that failed |
/// | `subset:B` | those whose bits are set, where no more than six wait |
/// | `random:N` | a mixture of all this |
///
/// Where a loss at this point is also one at the next (Images::is_crest), only the newest operation is gone through.
void each_loss(const Images& images, std::size_t point, std::uint64_t seed,
               const std::function<void(const Loss&)>& act);

}  // namespace belay::faults
