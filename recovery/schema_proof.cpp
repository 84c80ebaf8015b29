#include "recovery/schema_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "engine/replay.h"

namespace belay::recovery {
namespace {

using engine::ReplayPoint;
using versions::Graph;
using versions::schema::Schema;

/// Whether it is what a replay of all scripts passes anyhow.
bool is_prefix(const RevisionSet& revisions) {
  const auto end = std::find(revisions.begin(), revisions.end(), false);
  return std::find(end, revisions.end(), true) == revisions.end();
}

bool is_linear(const Graph& graph) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto& parents = graph.parents(i);
    if (i == 0 ? !parents.empty() : parents.size() != 1 || parents[0] != i - 1) return false;
  }
  return true;
}

using Digests = std::vector<std::array<unsigned char, 32>>;

Digests sorted_digests(const Schema& schema) {
  Digests digests;
  digests.reserve(schema.objects().size());
  for (const auto& object : schema.objects()) digests.push_back(object->digest);
  std::ranges::sort(digests);
  return digests;
}

/// Walks along scripts and compares what they make with the live schema.
class Prover {
 public:
  Prover(const Schema& live, const Graph& graph, const ProofRequest& request, const std::stop_token& stop)
      : live_(live), graph_(graph), request_(request), stop_(stop), digests_(sorted_digests(live)) {
    if (!is_linear(graph)) count_ancestors();
  }

  /// @param thorough  measure how far each point is, too; otherwise only what can fit is read.
  void search(bool thorough);
  [[nodiscard]] bool found_nothing() const { return proof_.fits.empty() && proof_.middles.empty(); }
  SchemaProof result();

 private:
  void count_ancestors();
  void walk(const RevisionSet& chosen);
  void walk_unless_passed(const RevisionSet& chosen);
  void walk_branches();
  bool can_fit(engine::Replay& replay) const;
  void look(const ReplayPoint& point, engine::Replay& replay, const RevisionSet& applied);
  void take_fit(const ReplayPoint& point, const RevisionSet& applied);
  void compare_to_live(const Schema& schema);
  void note_passed(std::size_t revision, const RevisionSet& applied);
  void note(const engine::Error& error);
  [[nodiscard]] SchemaProof::Other other(const RevisionSet& revisions, const Schema& schema) const {
    return {revisions, versions::schema::compare(schema, live_)};
  }

  const Schema& live_;
  const Graph& graph_;
  const ProofRequest& request_;
  const std::stop_token& stop_;
  Digests digests_;

  SchemaProof proof_;
  bool thorough_ = false;
  std::size_t walks_ = 0;
  std::unordered_set<RevisionSet> walked_;  // The ends of walks.
  std::unordered_set<RevisionSet> fitting_;
  std::vector<std::size_t> ancestors_;  // How many, itself included; empty in a graph without branches.
  std::vector<bool> passed_;            // Revisions that a walk has seen with their ancestors alone.
  std::optional<std::pair<RevisionSet, Schema>> nearest_;
  std::size_t nearest_distance_ = 0;
  std::optional<Schema> asked_;

  /// Of the schema that was looked at last: a revision that changes rows alone leaves it as it was.
  struct Compared {
    Schema::Objects objects;
    std::size_t distance = 0;  ///< How many objects only one of the two has; with none they are the same.
  };
  std::optional<Compared> compared_;
};

void Prover::count_ancestors() {
  passed_.resize(graph_.size());
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const auto ancestors = graph_.ancestors({i});
    ancestors_.push_back(static_cast<std::size_t>(std::count(ancestors.begin(), ancestors.end(), true)));
  }
}

void Prover::compare_to_live(const Schema& schema) {
  if (compared_ && compared_->objects == schema.objects()) return;
  Digests different;
  std::ranges::set_symmetric_difference(sorted_digests(schema), digests_, std::back_inserter(different));
  compared_ = {schema.objects(), different.size()};
}

void Prover::take_fit(const ReplayPoint& point, const RevisionSet& applied) {
  if (!point.is_whole()) {
    const std::string description = engine::describe(point);
    const auto known = [&](const auto& middle) { return middle.description == description; };
    if (std::ranges::none_of(proof_.middles, known))
      proof_.middles.push_back({graph_.position(point.revision->id), description});
  } else if (fitting_.insert(applied).second) {
    proof_.fits.push_back(applied);
  }
}

/// `applied` has the revision and all its ancestors, so their number tells whether it has others.
void Prover::note_passed(std::size_t revision, const RevisionSet& applied) {
  if (ancestors_.empty()) return;
  const auto count = static_cast<std::size_t>(std::count(applied.begin(), applied.end(), true));
  if (count == ancestors_[revision]) passed_[revision] = true;
}

/// Counting is much quicker than reading: most points of a long history are told apart by it.
bool Prover::can_fit(engine::Replay& replay) const {
  const auto rows = replay.connection().query(
      "SELECT count(*) FROM main.sqlite_schema WHERE sql IS NOT NULL AND substr(lower(name), 1, 7) <> 'sqlite_'");
  const auto own = engine::own_tables(request_.version_table).size();
  return std::get<std::int64_t>(rows.at(0).at(0)) == static_cast<std::int64_t>(live_.objects().size() + own);
}

void Prover::look(const ReplayPoint& point, engine::Replay& replay, const RevisionSet& applied) {
  if (point.is_whole() && point.revision != nullptr) note_passed(graph_.position(point.revision->id), applied);
  const bool is_asked = point.is_whole() && request_.asked == applied;
  if (!thorough_ && !is_asked && !can_fit(replay)) return;
  const Schema& schema = replay.schema();
  compare_to_live(schema);
  if (compared_->distance == 0) take_fit(point, applied);
  if (!point.is_whole()) return;
  if (!nearest_ || compared_->distance <= nearest_distance_) {
    nearest_.emplace(applied, schema);
    nearest_distance_ = compared_->distance;
  }
  if (is_asked) asked_ = schema;
}

void Prover::note(const engine::Error& error) {
  if (error.code() == engine::ErrorCode::interrupted) throw engine::Error(error);
  auto why = fmt::format("{}:{} cannot be replayed: {}", error.file(), error.line(), error.what());
  if (std::ranges::find(proof_.cannot_replay, why) == proof_.cannot_replay.end())
    proof_.cannot_replay.push_back(std::move(why));
}

void Prover::walk(const RevisionSet& chosen) {
  if (++walks_ > request_.walks_max) {
    ++proof_.not_tried;
    return;
  }
  engine::Replay replay(request_.like, request_.version_table, request_.ignored);
  replay.connection().stop_on(stop_);
  RevisionSet applied(graph_.size());
  try {
    engine::replay(replay, graph_, chosen, [&](const ReplayPoint& point) {
      if (point.revision != nullptr && point.is_whole()) applied[graph_.position(point.revision->id)] = true;
      look(point, replay, applied);
    });
  } catch (const engine::Error& error) {
    note(error);
  }
}

void Prover::walk_unless_passed(const RevisionSet& chosen) {
  if (is_prefix(chosen) || fitting_.contains(chosen) || !walked_.insert(chosen).second) return;
  walk(chosen);
}

/// The newest first, because a walk to one often passes those before it.
void Prover::walk_branches() {
  if (ancestors_.empty()) return;
  const std::size_t oldest = graph_.size() > request_.branching_max ? graph_.size() - request_.branching_max : 0;
  proof_.not_tried += oldest;
  for (std::size_t i = graph_.size(); i > oldest; --i)
    if (!passed_[i - 1]) walk_unless_passed(graph_.ancestors({i - 1}));
}

void Prover::search(bool thorough) {
  thorough_ = thorough;
  walks_ = proof_.not_tried = 0;
  walked_.clear();
  passed_.assign(passed_.size(), false);
  walk(RevisionSet(graph_.size(), true));
  if (request_.asked) walk_unless_passed(*request_.asked);
  for (const auto& candidate : request_.candidates) walk_unless_passed(candidate);
  walk_branches();
}

SchemaProof Prover::result() {
  if (proof_.fits.empty() && nearest_) proof_.nearest = other(nearest_->first, nearest_->second);
  const bool fits = request_.asked && std::ranges::find(proof_.fits, *request_.asked) != proof_.fits.end();
  if (asked_ && !fits) proof_.asked = other(*request_.asked, *asked_);
  return std::move(proof_);
}

}  // namespace

SchemaProof prove(const Schema& live, const Graph& graph, const ProofRequest& request, const std::stop_token& stop) {
  Prover prover(live, graph, request, stop);
  // The tables behind virtual tables cannot be told from others by counting, nor can what is ignored.
  const bool has_virtual = std::ranges::any_of(
      live.objects(), [](const auto& object) { return object->type == versions::schema::ObjectType::virtual_table; });
  const bool thorough = has_virtual || !request.ignored.empty();
  prover.search(thorough);
  if (prover.found_nothing() && !thorough) prover.search(true);
  return prover.result();
}

std::vector<versions::RevisionId> heads_of(const Graph& graph, const RevisionSet& revisions) {
  const auto stands = [&revisions](std::size_t position) { return revisions[position]; };
  std::vector<versions::RevisionId> ids;
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (revisions[i] && std::ranges::none_of(graph.children(i), stands)) ids.push_back(graph.scripts()[i].id);
  return ids;
}

}  // namespace belay::recovery
