#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace belay::journal::lmdb {

/// The pages of an LMDB file, looked at before LMDB acts on them: it trusts what it maps, and a wrong size or offset
/// kills the process by a signal. Reads with pread, never through a map.
class Pages {
 public:
  /// @throws Error `not_found`, `unavailable`.
  explicit Pages(const std::filesystem::path& file);
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  /// Checks both meta pages, and that the file is as long as they say. A writer beside us may be at work.
  /// @throws Error `damaged`, `newer_format`.
  void check_header();

  /// How much LMDB will trust of what it maps.
  enum class Trust {
    reading,  ///< The pages of the trees.
    writing,  ///< And the headers of large values: by them it frees their pages.
  };

  /// Checks that every page of a snapshot is in one place only (a tree, a value, the list of free pages), is of the
  /// kind that belongs there and has its nodes within itself. Linear in the pages of the trees, and for `writing` in
  /// the large values, whose content is not read. What the nodes say is not checked here.
  /// @param transaction  the snapshot, which a read transaction must hold.
  /// @returns false when a writer has overwritten the snapshot's header meanwhile: try again with a newer one.
  /// @throws Error `damaged`.
  bool check_trees(std::uint64_t transaction, Trust trust);

  // For the walk through the trees.
  [[nodiscard]] std::string read(std::uint64_t page, std::uint64_t offset, std::size_t size) const;
  /// A page of a tree: where they lie close together, those around it are read with it.
  /// @returns a view that is good until the next call.
  [[nodiscard]] std::string_view read_page(std::uint64_t page);
  [[nodiscard]] std::size_t page_size() const { return page_size_; }
  void require(bool holds, const char* rule) const;

 private:
  struct Meta;
  [[nodiscard]] Meta read_meta(std::uint64_t page);
  [[nodiscard]] std::array<Meta, 2> read_metas();
  void require_length(std::uint64_t last_page) const;

  const std::filesystem::path& file_;
  int descriptor_;
  std::size_t page_size_ = 0;
  std::uint64_t asked_for_ = 0;    ///< The page that was asked for last.
  std::string around_;             ///< The pages that were read together, as far as the file goes.
  std::uint64_t around_from_ = 0;  ///< The first of them.
};

}  // namespace belay::journal::lmdb
