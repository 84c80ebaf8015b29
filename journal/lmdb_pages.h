#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace belay::journal::lmdb {

/// The pages of an LMDB file, looked at before LMDB does: it trusts what it maps, and dies by a signal where a size or
/// an offset is wrong. Reads with pread, never through a map.
class Pages {
 public:
  /// @throws Error `not_found`, `unavailable`.
  explicit Pages(const std::filesystem::path& file);
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  /// Both meta pages, and that the file is as long as they say. A writer beside us may be at work.
  /// @throws Error `damaged`, `newer_format`.
  void check_header();

 private:
  /// What a meta page says, as far as it matters here.
  struct Meta {
    std::uint64_t transaction = 0;
    std::uint64_t last_page = 0;
  };
  using Metas = std::array<Meta, 2>;

  [[nodiscard]] Metas read_metas();
  void read_at(std::uint64_t offset, void* to, std::size_t size) const;
  [[noreturn]] void reject(const char* why) const;

  const std::filesystem::path& file_;
  int descriptor_;
  std::size_t page_size_ = 0;
};

}  // namespace belay::journal::lmdb
