#pragma once

#include "tests/faults/control.h"

namespace belay::faults {

// Preloaded into the program under test. Nothing of it may allocate by malloc, throw, or call what it replaces: it runs
// within all of that.

extern Control* control;
extern bool armed;  ///< Within a run; false in the server, and before it.

}  // namespace belay::faults
