#include "versions/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <memory>
#include <new>

#include "versions/script.h"

// The digest is a promise to every database that has stamps: docs/scripts.md defines it, a test pins it.

namespace belay::versions {
namespace {

/// Looked up once: OpenSSL's search for an algorithm takes longer than hashing a small script.
const EVP_MD* algorithm() {
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> found(EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                     EVP_MD_free);
  if (!found) throw std::runtime_error("OpenSSL has no SHA-256");
  return found.get();
}

void write_number(std::string& out, std::uint64_t number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

/// A text that may hold anything is led by its length, so that no two scripts are written alike.
void write_text(std::string& out, std::string_view text) {
  write_number(out, text.size());
  out += ':';
  out += text;
}

void write_count(std::string& out, std::size_t count) {
  out += ' ';
  write_number(out, count);
  out += '\n';
}

void write_statements(std::string& out, const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) {
    write_text(out, normalise(statement.text));
    out += '\n';
  }
}

void write_rebuild(std::string& out, const schema::Rebuild& rebuild) {
  out += " rebuild:";
  write_text(out, rebuild.table);
  if (!rebuild.from.empty()) out += " from:" + rebuild.from;
  if (!rebuild.to.empty()) out += " to:" + rebuild.to;
}

void write_step(std::string& out, const Step& step) {
  out += step.transactional ? "step" : "step transaction:off";
  if (step.repeatable) out += " repeatable:yes";
  if (step.batch) {
    out += " batch:";
    write_number(out, static_cast<std::uint64_t>(step.batch->rows));
    out += " over:";
    write_text(out, step.batch->table);
    out += '.';
    write_text(out, step.batch->column);
  }
  if (step.rebuild) write_rebuild(out, *step.rebuild);
  write_count(out, step.statements.size());
  write_statements(out, step.statements);
}

void write_section(std::string& out, std::string_view name, const std::vector<Step>& steps) {
  out += name;
  write_count(out, steps.size());
  for (const Step& step : steps) write_step(out, step);
}

}  // namespace

std::array<unsigned char, 32> sha256(std::string_view bytes) {
  std::array<unsigned char, 32> hash{};
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, algorithm(), nullptr) != 1) throw std::bad_alloc();
  return hash;
}

std::string sha256_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : sha256(bytes)) {
    hex += digits[byte >> 4U];
    hex += digits[byte & 0xFU];
  }
  return hex;
}

std::string digest_of(const Script& script) {
  std::string out;
  write_section(out, "up", script.up);
  out += "verify";
  write_count(out, script.verify.size());
  write_statements(out, script.verify);
  write_section(out, "down", script.down.value_or(std::vector<Step>{}));
  return sha256_hex(out);
}

}  // namespace belay::versions
