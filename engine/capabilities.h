#pragma once

namespace belay::engine {

/// What a kind of database can do; the executor branches on nothing else.
struct Capabilities {
  bool transactional_ddl = false;  ///< CREATE, ALTER and DROP can be rolled back.
  bool savepoints = false;         ///< `savepoint()` and its two ends work: revisions can share a transaction.
  bool images = false;             ///< Before-images are kept, so that what has committed can be taken back.
};

}  // namespace belay::engine
