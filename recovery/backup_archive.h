#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "recovery/backup_file.h"
#include "recovery/backup_manifest.h"

namespace belay::recovery {

/// Told how many bytes of the content are done; may throw to end the work.
using ArchiveProgress = std::function<void(std::uint64_t done)>;

/// Packs the rest of a file (zstd, RFC 8878; one frame) into another, or only measures it when `to` is null.
/// @returns sizes and SHA-256 of both.
BackupPart pack(BackupFile& from, BackupFile* to, const ArchiveProgress& progress);

/// Reads a part back: what is stored has the size and SHA-256 that were promised, it is one frame and nothing behind
/// it, and so is what comes out. Never writes more than was promised, however much comes out.
/// @param packed  else the file is its own content.
/// @param to  null: only to see whether all of it is right.
/// @throws Error `backup_damaged` saying what is wrong.
void unpack_part(BackupFile& from, const BackupPart& part, bool packed, BackupFile* to,
                 const ArchiveProgress& progress);

/// In hexadecimal.
std::string sha256_of(std::string_view bytes);

}  // namespace belay::recovery
