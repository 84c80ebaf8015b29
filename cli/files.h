#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace belay::cli {

/// The whole of a file that a user wrote.
/// @throws Error exit_missing_input.
std::string read_file(const std::filesystem::path& file);

/// Writes a new file so that a crash leaves all of it or nothing: under a temporary name, synced, linked to its name
/// (which must not be taken), the folder synced.
/// @returns false when the name is taken.
/// @throws Error exit_unavailable.
bool write_new_file(const std::filesystem::path& file, std::string_view content);

}  // namespace belay::cli
