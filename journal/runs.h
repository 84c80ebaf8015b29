#pragma once

#include <cstdint>
#include <vector>

#include "journal/journal.h"
#include "journal/lmdb.h"
#include "journal/log_reader.h"
#include "journal/stored.h"

namespace belay::journal {

/// Journal::runs within one transaction.
std::vector<Journal::Run> list_runs(lmdb::Transaction& transaction, const Tables& tables, const Head& head);

/// Journal::Retention in one transaction. `head` is changed and not written. Of the images that go, whatever is more
/// than a transaction should erase stays behind: before `head.first_image`, where nobody looks.
/// @returns how many runs went.
std::uint64_t prune_runs(lmdb::Transaction& transaction, const Tables& tables, Head& head,
                         const Journal::Retention& retention);

}  // namespace belay::journal
