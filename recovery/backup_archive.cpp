#include "recovery/backup_archive.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zstd.h>

#include <array>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "recovery/error.h"

namespace belay::recovery {
namespace {

/// 3 is zstd's own choice: about four times as fast as a disk writes, and a third of the size.
constexpr int level = 3;
/// What our frames need, and no more: a hostile one may ask for gigabytes.
constexpr int window_log_max = 23;

/// Nothing else makes OpenSSL fail at SHA-256, or zstd at its contexts.
void require_memory(bool had) {
  if (!had) throw std::bad_alloc();
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    require_memory(context_ != nullptr);
    require_memory(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(std::string_view bytes) {
    require_memory(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    require_memory(EVP_DigestFinal_ex(context_.get(), hash.data(), &size) == 1);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", hash[i]);
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Error damaged(const std::string& what) {
  return {ErrorCode::backup_damaged, what};
}

/// Only memory and our own mistakes make zstd fail when it compresses.
std::size_t require(std::size_t result) {
  if (ZSTD_isError(result)) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(result));
  return result;
}

/// What is stored, and its measure.
class Store {
 public:
  explicit Store(BackupFile* file) : file_(file) {}
  void add(std::string_view bytes) {
    hash_.add(bytes);
    size_ += bytes.size();
    if (file_) file_->write(bytes);
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  std::string sha256() { return hash_.hex(); }

 private:
  BackupFile* file_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
};

/// Gives what comes out to a Store that takes no more than was promised.
class Unpacker {
 public:
  Unpacker(const BackupPart& part, Store& to) : part_(part), to_(to), context_(ZSTD_createDCtx()) {
    require_memory(context_ != nullptr);
    require(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log_max));
    buffer_.resize(ZSTD_DStreamOutSize());
  }

  void add(std::string_view bytes) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool more = true;  // There may be output left when all input is taken.
    while (in.pos < in.size || more) {
      if (ended_) {
        if (in.pos < in.size) throw damaged("there is more behind the end of what was packed");
        return;
      }
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(result)) throw damaged(std::string("it cannot be decompressed: ") + ZSTD_getErrorName(result));
      pass_on({buffer_.data(), out.pos});
      ended_ = result == 0;
      more = out.pos == out.size;
    }
  }
  void finish() const {
    if (!ended_) throw damaged("it ends in the middle of what was packed");
  }

 private:
  void pass_on(std::string_view content) {
    if (content.size() > part_.content_bytes - to_.size())
      throw damaged(fmt::format("more comes out of it than the {} bytes that its manifest says", part_.content_bytes));
    to_.add(content);
  }

  const BackupPart& part_;
  Store& to_;
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context_;
  std::vector<char> buffer_;
  bool ended_ = false;
};

void require_same(const BackupPart& part, std::uint64_t bytes, const std::string& sha256, Store& content) {
  if (bytes != part.bytes) throw damaged(fmt::format("it has {} bytes and had {}", bytes, part.bytes));
  if (sha256 != part.sha256) throw damaged("its bytes have changed: the SHA-256 does not fit");
  if (content.size() != part.content_bytes)
    throw damaged(fmt::format("{} bytes come out of it, and {} were packed", content.size(), part.content_bytes));
  if (content.sha256() != part.content_sha256)
    throw damaged("what comes out of it is not what was packed: the SHA-256 does not fit");
}

}  // namespace

BackupPart pack(BackupFile& from, BackupFile* to, const ArchiveProgress& progress) {
  const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  require_memory(context != nullptr);
  require(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level));
  require(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1));
  Store content(nullptr);
  Store stored(to);
  std::vector<char> input(std::size_t{1} << 18U);
  std::vector<char> output(ZSTD_CStreamOutSize());
  for (bool last = false; !last;) {
    const std::size_t count = from.read(input.data(), input.size());
    last = count == 0;
    content.add({input.data(), count});
    progress(content.size());
    if (!to) continue;
    ZSTD_inBuffer in{input.data(), count, 0};
    for (std::size_t left = 1; in.pos < in.size || (last && left != 0);) {
      ZSTD_outBuffer out{output.data(), output.size(), 0};
      left = require(ZSTD_compressStream2(context.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue));
      stored.add({output.data(), out.pos});
    }
  }
  BackupPart part;
  part.content_bytes = content.size();
  part.content_sha256 = content.sha256();
  part.bytes = to ? stored.size() : part.content_bytes;
  part.sha256 = to ? stored.sha256() : part.content_sha256;
  return part;
}

void unpack_part(BackupFile& from, const BackupPart& part, bool packed, BackupFile* to,
                 const ArchiveProgress& progress) {
  if (from.size() != part.bytes) throw damaged(fmt::format("it has {} bytes and had {}", from.size(), part.bytes));
  Store stored(nullptr);
  Store content(to);
  Unpacker unpacker(part, content);
  std::vector<char> input(std::size_t{1} << 18U);
  while (const std::size_t count = from.read(input.data(), input.size())) {
    const std::string_view bytes{input.data(), count};
    stored.add(bytes);
    if (stored.size() > part.bytes) throw damaged("it grows while it is read");
    if (packed)
      unpacker.add(bytes);
    else
      content.add(bytes);
    progress(content.size());
  }
  if (packed) unpacker.finish();
  require_same(part, stored.size(), stored.sha256(), content);
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

}  // namespace belay::recovery
