// Where a program of the preset `coverage` counts: each in a file of its own, as LLVM 14's %m alone takes two of them
// for one. The file is mapped (%c), so that what SIGKILL ends is counted too.
extern "C" const char __llvm_profile_filename[] = BELAY_COUNTS;
