#pragma once

#include "journal/journal.h"
#include "journal/lmdb.h"
#include "journal/log_reader.h"

namespace belay::journal {

/// Journal::verify within one transaction; the file's size is left to the caller.
Journal::Summary verify_all(lmdb::Transaction& transaction, const Tables& tables);

}  // namespace belay::journal
