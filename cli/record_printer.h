#pragma once

#include <string>
#include <vector>

#include "cli/json.h"
#include "cli/terminal.h"
#include "journal/journal.h"

namespace belay::cli {

/// Gives each record of a journal as a line for a person, or as JSON; knows the plan of the run that it is in, and how
/// many before-images a transaction has.
class RecordPrinter {
 public:
  /// Both must outlive this.
  RecordPrinter(const Terminal& terminal, const journal::Journal& journal) : at_{terminal, journal, {}, {}} {}

  /// To be called for every record in order, shown or not.
  void follow(const journal::Journal::Entry& entry);

  [[nodiscard]] std::string line(const journal::Journal::Entry& entry) const;
  [[nodiscard]] Json json(const journal::Journal::Entry& entry) const;

  /// Where in the journal a record stands.
  struct Place {
    const Terminal& terminal;
    const journal::Journal& journal;
    std::vector<journal::PlannedRevision> plan;
    journal::Lsn lsn;
  };

 private:
  Place at_;
};

}  // namespace belay::cli
