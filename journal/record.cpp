#include "journal/record.h"

#include <algorithm>
#include <array>
#include <cereal/archives/portable_binary.hpp>
#include <cereal/cereal.hpp>
#include <istream>
#include <ostream>
#include <sstream>
#include <streambuf>

#include "journal/error.h"
#include "journal/format.h"

// cereal's own functions for containers believe the length they read and allocate it at once. These read as they grow,
// so that a false length ends at the end of the input. They live in cereal's namespace because it looks there.
namespace cereal {

void save(PortableBinaryOutputArchive& out, const std::string& text) {
  out(static_cast<std::uint64_t>(text.size()));
  out.saveBinary<1>(text.data(), static_cast<std::streamsize>(text.size()));
}

void load(PortableBinaryInputArchive& in, std::string& text) {
  constexpr std::uint64_t piece_max = 4096;
  std::uint64_t left = 0;
  in(left);
  while (left > 0) {
    const auto piece = static_cast<std::size_t>(std::min(left, piece_max));
    text.resize(text.size() + piece);
    in.loadBinary<1>(text.data() + text.size() - piece, static_cast<std::streamsize>(piece));
    left -= piece;
  }
}

template <class T>
void save(PortableBinaryOutputArchive& out, const std::vector<T>& items) {
  out(static_cast<std::uint64_t>(items.size()));
  for (const T& item : items) out(item);
}

template <class T>
void load(PortableBinaryInputArchive& in, std::vector<T>& items) {
  std::uint64_t left = 0;
  in(left);
  for (; left > 0; --left) in(items.emplace_back());
}

}  // namespace cereal

namespace belay::journal {
namespace {

[[noreturn]] void reject(const std::string& why) {
  throw Error(ErrorCode::damaged, why);
}

/// A bool or an enumeration as one byte that must be in `low`..`high`: no other byte may become a value of T.
template <class T>
struct Byte {
  T& value;
  T low;
  T high;
};

template <class T>
void save(cereal::PortableBinaryOutputArchive& out, const Byte<T>& byte) {
  out(static_cast<std::uint8_t>(byte.value));
}

template <class T>
void load(cereal::PortableBinaryInputArchive& in, Byte<T>& byte) {
  std::uint8_t raw = 0;
  in(raw);
  if (raw < static_cast<std::uint8_t>(byte.low) || raw > static_cast<std::uint8_t>(byte.high)) {
    reject("a field of the record has a value that does not exist");
  }
  byte.value = static_cast<T>(raw);
}

Byte<bool> flag(bool& value) {
  return {value, false, true};
}
Byte<Action> byte(Action& value) {
  return {value, Action::up, Action::adopt};
}
Byte<Outcome> byte(Outcome& value) {
  return {value, Outcome::done, Outcome::closed_back};
}

/// Reads where the bytes are, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) { show(bytes); }
  void show(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());  // std::streambuf has no read-only form; nothing is put back
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] bool at_end() const { return gptr() == egptr(); }
};

}  // namespace

// The fields of each record in their stored order. Part of the format: never reorder, add only with a new version.

template <class Archive>
void serialize(Archive& archive, Lsn& lsn) {
  archive(lsn.value);
}

template <class Archive>
void serialize(Archive& archive, RunId& run) {
  archive(run.value);
}

template <class Archive>
void serialize(Archive& archive, PlannedStatement& statement) {
  archive(statement.text, statement.line);
}

template <class Archive>
void serialize(Archive& archive, PlannedStep& step) {
  archive(step.name, step.statements, flag(step.transactional), flag(step.repeatable), step.batch_rows,
          step.batch_table, step.batch_column);
}

template <class Archive>
void serialize(Archive& archive, RunBegin& record) {
  archive(record.run, record.command, record.started_at, record.host, record.pid, record.user, record.version,
          record.from, record.planned, flag(record.atomic));
}

template <class Archive>
void serialize(Archive& archive, PlannedRevision& record) {
  archive(record.ordinal, record.revision, byte(record.action), record.message, record.digest, record.file,
          record.steps, record.verify);
}

/// Of a step of a PlannedRevision: behind its fields, so that what has no rebuild is stored as it ever was.
struct StoredRebuild {
  std::uint64_t step = 0;
  std::string table{};
  std::string from{};
  std::string to{};
};

template <class Archive>
void serialize(Archive& archive, StoredRebuild& rebuild) {
  archive(rebuild.step, rebuild.table, rebuild.from, rebuild.to);
}

template <class Archive>
void serialize(Archive& archive, TransactionBegin& record) {
  archive(record.previous);
}

template <class Archive>
void serialize(Archive& archive, StepBegin& record) {
  bool sliced = record.slice.has_value();
  archive(record.ordinal, record.step, flag(sliced));
  if (!sliced) return;
  if (!record.slice) record.slice.emplace();
  archive(record.slice->low, record.slice->high);
}

template <class Archive>
void serialize(Archive& archive, StampBegin& record) {
  archive(record.ordinal);
}

template <class Archive>
void serialize(Archive& archive, RevisionRollback& record) {
  archive(record.ordinal, record.reason);
}

template <class Archive>
void serialize(Archive& archive, TransactionCommit& record) {
  archive(record.begin);
}

template <class Archive>
void serialize(Archive& archive, TransactionRollback& record) {
  archive(record.begin, record.reason);
}

template <class Archive>
void serialize(Archive& archive, RunEnd& record) {
  archive(record.run, byte(record.outcome), record.ended_at, record.to, record.error);
}

template <class Archive>
void serialize(Archive& archive, Footprint& record) {
  archive(record.before, record.after);
}

template <class Archive>
void serialize(Archive& archive, UndoBegin& record) {
  archive(record.first, record.previous, record.state);
}

template <class Archive>
void serialize(Archive& archive, UndoEnd& record) {
  archive(record.begin, flag(record.done), record.last_commit);
}

namespace {

using format::Type;

/// Of each alternative of Record, in its order.
struct Kind {
  Type type;
  std::string_view name;
};
constexpr std::array<Kind, std::variant_size_v<Record>> kinds{{
    {Type::run_begin, "RunBegin"},
    {Type::planned_revision, "PlannedRevision"},
    {Type::transaction_begin, "TransactionBegin"},
    {Type::step_begin, "StepBegin"},
    {Type::stamp_begin, "StampBegin"},
    {Type::revision_rollback, "RevisionRollback"},
    {Type::transaction_commit, "TransactionCommit"},
    {Type::transaction_rollback, "TransactionRollback"},
    {Type::run_end, "RunEnd"},
    {Type::footprint, "Footprint"},
    {Type::undo_begin, "UndoBegin"},
    {Type::undo_end, "UndoEnd"},
}};

constexpr char little_endian = 1;  ///< The byte that cereal's portable archive begins with.

/// Made once and not for each record: most of the time that a short record takes goes into making a stream.
class Input {
 public:
  template <class... Fields>
  void read(std::string_view archived, Fields&&... fields) {
    buffer_.show(archived.substr(1));
    in_(std::forward<Fields>(fields)...);
  }
  [[nodiscard]] bool at_end() const { return buffer_.at_end(); }

 private:
  ViewBuffer buffer_{{&little_endian, 1}};
  std::istream stream_{&buffer_};
  cereal::PortableBinaryInputArchive in_{stream_, cereal::PortableBinaryInputArchive::Options::LittleEndian()};
};

Input& input() {
  thread_local Input instance;
  return instance;
}

template <class... Fields>
void read_all(std::string_view archived, Fields&... fields) {
  input().read(archived, fields...);
  if (!input().at_end()) reject("the record is longer than its fields");
}

template <class T>
Record decode_as(std::string_view archived) {
  T record;
  read_all(archived, record);
  return record;
}

Record decode_head(std::string_view archived) {
  PlannedRevision revision;
  input().read(archived, revision.ordinal, revision.revision, byte(revision.action));
  return revision;
}

std::vector<StoredRebuild> rebuilds_of(const Record& record) {
  std::vector<StoredRebuild> rebuilds;
  const auto* revision = std::get_if<PlannedRevision>(&record);
  if (revision == nullptr) return rebuilds;
  for (std::size_t i = 0; i < revision->steps.size(); ++i) {
    const PlannedStep& step = revision->steps[i];
    if (step.is_rebuild()) rebuilds.push_back({i, step.rebuild_table, step.rebuild_from, step.rebuild_to});
  }
  return rebuilds;
}

Record decode_with_rebuilds(std::string_view archived) {
  PlannedRevision revision;
  std::vector<StoredRebuild> rebuilds;
  read_all(archived, revision, rebuilds);
  if (rebuilds.empty()) reject("the record is of a type that has rebuilds, and has none");
  std::uint64_t first = 0;  // In order, each step once: there is one stored form of each record.
  for (auto& rebuild : rebuilds) {
    if (rebuild.step < first || rebuild.step >= revision.steps.size() || rebuild.table.empty()) {
      reject("a rebuild of the record belongs to no step");
    }
    first = rebuild.step + 1;
    PlannedStep& step = revision.steps[rebuild.step];
    step.rebuild_table = std::move(rebuild.table);
    step.rebuild_from = std::move(rebuild.from);
    step.rebuild_to = std::move(rebuild.to);
  }
  return revision;
}

Record decode_type(Type type, std::string_view archived) {
  switch (type) {
    case Type::run_begin:
      return decode_as<RunBegin>(archived);
    case Type::planned_revision:
      return decode_as<PlannedRevision>(archived);
    case Type::transaction_begin:
      return decode_as<TransactionBegin>(archived);
    case Type::step_begin:
      return decode_as<StepBegin>(archived);
    case Type::stamp_begin:
      return decode_as<StampBegin>(archived);
    case Type::revision_rollback:
      return decode_as<RevisionRollback>(archived);
    case Type::transaction_commit:
      return decode_as<TransactionCommit>(archived);
    case Type::transaction_rollback:
      return decode_as<TransactionRollback>(archived);
    case Type::run_end:
      return decode_as<RunEnd>(archived);
    case Type::footprint:
      return decode_as<Footprint>(archived);
    case Type::undo_begin:
      return decode_as<UndoBegin>(archived);
    case Type::undo_end:
      return decode_as<UndoEnd>(archived);
    case Type::planned_revision_with_rebuilds:
      return decode_with_rebuilds(archived);
  }
  reject("the record is of a type that does not exist");
}

}  // namespace

std::string_view name_of(const Record& record) {
  return kinds[record.index()].name;
}

std::string_view name_of(Action action) {
  constexpr std::array<std::string_view, 7> names{"up", "down", "stamp", "unstamp", "hook", "restore", "adopt"};
  return names[static_cast<std::size_t>(action) - 1];
}

std::string_view name_of(Outcome outcome) {
  constexpr std::array<std::string_view, 4> names{"done", "failed", "interrupted", "closed back"};
  return names[static_cast<std::size_t>(outcome) - 1];
}

std::string encode(const Record& record) {
  const auto rebuilds = rebuilds_of(record);
  const Type type = rebuilds.empty() ? kinds[record.index()].type : Type::planned_revision_with_rebuilds;
  std::ostringstream stream;
  stream.put(static_cast<char>(type));
  cereal::PortableBinaryOutputArchive out(stream, cereal::PortableBinaryOutputArchive::Options::LittleEndian());
  std::visit([&out](const auto& fields) { out(fields); }, record);
  if (!rebuilds.empty()) out(rebuilds);
  return std::move(stream).str();
}

Record decode(std::string_view bytes) {
  return decode(bytes, Detail::whole);
}

Record decode(std::string_view bytes, Detail detail) {
  if (bytes.size() < 2 || bytes[1] != little_endian) reject("the record is not in a form that was ever written");
  try {
    const auto type = static_cast<Type>(bytes[0]);
    const bool is_planned = type == Type::planned_revision || type == Type::planned_revision_with_rebuilds;
    if (detail == Detail::head && is_planned) return decode_head(bytes.substr(1));
    return decode_type(type, bytes.substr(1));
  } catch (const cereal::Exception&) {
    reject("the record is shorter than its fields");
  }
}

}  // namespace belay::journal
