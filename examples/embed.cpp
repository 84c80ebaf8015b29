// Migrates an application's database at its start: embed DATABASE VERSIONS
//
// A run that was killed is finished first, by itself.

#include <cstdio>
#include <exception>

#include "recovery/migrator.h"

namespace {

class Progress final : public belay::engine::Observer {
 public:
  void message(std::string_view line) override { std::printf("%.*s\n", static_cast<int>(line.size()), line.data()); }
  void revision_committed(const belay::journal::PlannedRevision& revision, std::chrono::milliseconds took) override {
    std::printf("%s %s (%ld ms)\n", revision.revision.c_str(), revision.message.c_str(),
                static_cast<long>(took.count()));
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: embed DATABASE VERSIONS\n"), 64;
  try {
    Progress progress;
    belay::recovery::Settings settings;
    settings.database = argv[1];
    settings.versions = argv[2];
    belay::recovery::Migrator migrator(settings, progress);
    const auto report = migrator.upgrade();
    std::printf("%zu applied\n", report.revisions.size());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
