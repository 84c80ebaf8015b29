#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace belay::faults {

/// From the first call in a process on, it and its children see mounts of their own: nobody else sees what they mount,
/// and it is gone with the last of them, however that ends. To be called before any child is started.
/// @return why that cannot be; nothing when it is so.
std::optional<std::string> mount_obstacle();

/// A file system over a folder, for as long as this lives.
class Mount {
 public:
  struct What {
    std::string type{};
    std::string source = "none";
    std::string options{};
    bool read_only = false;
  };

  /// @throws std::system_error
  Mount(const What& what, std::filesystem::path folder);
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  ~Mount();

  /// @throws std::system_error when somebody is still in it.
  void end();
  /// With other options.
  /// @throws std::system_error
  void change(const std::string& options, bool read_only = false);
  /// Everything is on its disk then.
  /// @throws std::system_error
  void sync() const;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace belay::faults
