#pragma once

#include <string>
#include <vector>

namespace belay::cli {

/// The whole program: words in, words out, exit status.
int run(int argc, char** argv);

}  // namespace belay::cli
