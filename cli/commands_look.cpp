#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/history_graph.h"
#include "cli/json.h"
#include "cli/situation.h"

namespace belay::cli {
namespace {

using versions::Graph;
using versions::Script;

/// What there is to say of the revisions of a graph beside a database.
struct View {
  const Graph& graph;
  recovery::Situation situation;
  std::vector<bool> is_head;
  std::vector<bool> is_current;
  // Of history, by revision: what it is in the version table, and the newest run that touched it.
  std::unordered_map<std::string_view, const versions::Stamp*> stamps;
  std::unordered_map<std::string_view, std::uint64_t> undoable_run;

  [[nodiscard]] bool is_applied(std::size_t position) const { return situation.applied[position]; }
};

View view_of(Context& context) {
  auto& migrator = context.migrator();
  auto situation = migrator.look();
  View view{migrator.overview(), std::move(situation), {}, {}, {}, {}};
  view.is_head.resize(view.graph.size());
  view.is_current.resize(view.graph.size());
  for (const auto head : view.graph.heads()) view.is_head[head] = true;
  for (const auto& id : view.situation.current)
    if (view.graph.find(id)) view.is_current[view.graph.position(id)] = true;
  return view;
}

void add_history(View& view) {
  for (const auto& stamp : view.situation.stamps) view.stamps.emplace(stamp.revision.text, &stamp);
  for (const auto& run : view.situation.undoable)
    for (const auto& done : run.revisions) view.undoable_run.emplace(done.revision.text, run.run.value);
}

std::string marks(const View& view, std::size_t position) {
  std::string text;
  if (view.is_head[position]) text += "head";
  if (view.is_current[position]) text += text.empty() ? "current" : ", current";
  return text.empty() ? "" : " (" + text + ")";
}

/// The run that `recover undo-run` takes back with this revision, if nobody has written since.
std::string undo_mark(const View& view, const Script& script) {
  const auto run = view.undoable_run.find(script.id.text);
  const bool can = run != view.undoable_run.end() && !view.situation.written_since;
  return can ? fmt::format(" [run {}]", run->second) : "";
}

Json ids_of(const std::vector<std::size_t>& positions, const Graph& graph) {
  return to_json(positions, graph);
}

// --- status ---

std::vector<std::size_t> pending(const View& view) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < view.graph.size(); ++i)
    if (!view.is_applied(i)) positions.push_back(i);
  return positions;
}

Json status_json(Context& context, const View& view) {
  const auto& situation = view.situation;
  Json applied = Json::array();
  for (const auto& stamp : situation.stamps)
    applied.push_back(
        {{"revision", stamp.revision.text}, {"message", stamp.message}, {"applied_at", stamp.applied_at}});
  Json waiting = Json::array();
  for (const auto position : pending(view))
    waiting.push_back(
        {{"revision", view.graph.scripts()[position].id.text}, {"message", view.graph.scripts()[position].message}});
  Json json{{"database", hide_secrets(context.config().database)},
            {"current", to_json(situation.current)},
            {"heads", ids_of(view.graph.heads(), view.graph)},
            {"applied", applied},
            {"pending", waiting},
            {"state", std::string(state_of(situation))},
            {"interrupted", interrupted_json(situation)},
            {"running", running_json(situation)},
            {"problems", problems_json(situation)},
            {"undoable", undoable_json(situation.undoable)},
            {"written_since", situation.written_since}};
  return json;
}

void print_undoable(Terminal& terminal, const recovery::Situation& situation) {
  if (situation.undoable.empty()) return;
  terminal.data(labelled("undo", fmt::format("{} can be taken back{}", describe(situation.undoable.front()),
                                             situation.written_since
                                                 ? " only with what was written since: belay recover undo-run --dry-run"
                                                 : ": belay recover undo-run")));
}

void print_trouble(Context& context, const recovery::Situation& situation) {
  auto& terminal = context.terminal();
  print_running(terminal, situation);
  if (situation.interrupted) {
    const auto policy = context.migrator().settings().policy;
    const bool undecided = way(*situation.interrupted, policy).obstacle.has_value();
    terminal.data(labelled("left", situation.interrupted->description));
    terminal.data(labelled("next", undecided ? "belay recover" : settling_command(*situation.interrupted, policy)));
  }
  print_problems(terminal, situation);
  print_undoable(terminal, situation);
}

void print_status(Context& context, const View& view) {
  auto& terminal = context.terminal();
  const auto& situation = view.situation;
  const std::string state(state_of(situation));
  terminal.data("database   " + hide_secrets(context.config().database) +
                (situation.exists ? "" : "  (not there yet; belay migrate makes it)"));
  terminal.data("state      " + terminal.paint(state == "clean" ? Color::green : Color::red, state));
  for (const auto& id : situation.current) {
    const auto* script = view.graph.find(id);
    terminal.data(fmt::format("at         {}  {}{}", id.text, script ? script->message : "(no script)",
                              script ? marks(view, view.graph.position(id)) : ""));
  }
  if (situation.current.empty()) terminal.data("at         base");
  terminal.data(fmt::format("applied    {}", situation.stamps.size()));
  const auto waiting = pending(view);
  terminal.data(fmt::format("pending    {}", waiting.size()));
  constexpr std::size_t shown_max = 20;
  for (std::size_t i = 0; i < std::min(waiting.size(), shown_max); ++i)
    terminal.data(
        fmt::format("  + {}  {}", view.graph.scripts()[waiting[i]].id.text, view.graph.scripts()[waiting[i]].message));
  if (waiting.size() > shown_max) terminal.data(fmt::format("  … and {} more", waiting.size() - shown_max));
  print_trouble(context, situation);
}

// --- history ---

/// `A:B`: from A, if given, up to B, if given. A word alone is both ends.
std::vector<bool> range(const View& view, const std::string& text) {
  const auto end = [&](std::string_view word) -> std::vector<std::size_t> {
    if (word == "head" || word == "heads") return view.graph.heads();
    if (word == "current") {
      std::vector<std::size_t> positions;
      for (std::size_t i = 0; i < view.graph.size(); ++i)
        if (view.is_current[i]) positions.push_back(i);
      return positions;
    }
    return {view.graph.resolve(word)};
  };
  std::vector<bool> chosen(view.graph.size(), true);
  const auto colon = text.find(':');
  const std::string from = text.substr(0, colon);
  const std::string to = colon == std::string::npos ? from : text.substr(colon + 1);
  const auto keep = [&](const std::vector<bool>& marked) {
    for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = chosen[i] && marked[i];
  };
  if (!from.empty() && from != "base") keep(view.graph.descendants(end(from)));
  if (!to.empty() && to != "base") keep(view.graph.ancestors(end(to)));
  return chosen;
}

Json history_json(const View& view, std::size_t position) {
  const Script& script = view.graph.scripts()[position];
  const auto run = view.undoable_run.find(script.id.text);
  return {{"revision", script.id.text},
          {"parents", to_json(script.parents)},
          {"message", script.message},
          {"file", script.file.string()},
          {"applied", view.is_applied(position)},
          {"undoable_run", run == view.undoable_run.end() ? Json(nullptr) : Json(run->second)}};
}

void print_details(Terminal& terminal, const View& view, const Script& script, const std::string& indent) {
  const auto applied = view.stamps.find(script.id.text);
  terminal.data(indent + "file     " + script.file.string());
  if (!script.parents.empty()) {
    std::string parents;
    for (const auto& parent : script.parents) parents += " " + parent.text;
    terminal.data(indent + "parents " + parents);
  }
  if (!script.created.empty()) terminal.data(indent + "created  " + script.created);
  if (applied != view.stamps.end()) terminal.data(indent + "applied  " + applied->second->applied_at);
}

void print_ids(Context& context, const char* key, const std::vector<std::size_t>& positions, const View& view) {
  auto& terminal = context.terminal();
  if (terminal.json()) return terminal.data(dump({{key, ids_of(positions, view.graph)}}));
  for (const auto position : positions)
    terminal.data(fmt::format("{}  {}{}", view.graph.scripts()[position].id.text,
                              view.graph.scripts()[position].message, marks(view, position)));
}

std::size_t chosen_revision(const View& view, const std::string& text) {
  std::vector<std::size_t> positions;
  if (text == "head" || text == "heads") positions = view.graph.heads();
  for (std::size_t i = 0; text == "current" && i < view.graph.size(); ++i)
    if (view.is_current[i]) positions.push_back(i);
  if (positions.size() == 1) return positions.front();
  if (positions.size() > 1) throw Error(exit_usage, "ambiguous-revision", "there are several; name one", "belay heads");
  return view.graph.resolve(text);
}

}  // namespace

int status(Context& context) {
  const View view = view_of(context);
  if (context.terminal().json())
    context.terminal().data(dump(status_json(context, view)));
  else
    print_status(context, view);
  if (!view.situation.consistent()) return exit_integrity;
  const bool different = view.situation.interrupted || !pending(view).empty();
  return context.options().exit_code && different ? exit_differences : exit_done;
}

int history(Context& context) {
  View view = view_of(context);
  add_history(view);
  auto& terminal = context.terminal();
  const auto& words = context.options().revisions;
  const auto chosen = range(view, words.empty() ? ":" : words.front());
  Json json = Json::array();
  HistoryGraph drawing(view.graph);
  for (std::size_t i = view.graph.size(); i-- > 0;) {
    if (!chosen[i]) continue;
    if (terminal.json()) {
      json.push_back(history_json(view, i));
      continue;
    }
    const auto& script = view.graph.scripts()[i];
    const auto rows = context.options().graph ? drawing.draw(i, view.is_applied(i) ? '*' : 'o')
                                              : HistoryGraph::Rows{{}, view.is_applied(i) ? "* " : "  ", "    "};
    for (const auto& row : rows.before) terminal.data(row);
    terminal.data(fmt::format("{}{}  {}{}{}", rows.node, terminal.paint(Color::yellow, script.id.text), script.message,
                              terminal.paint(Color::green, marks(view, i)),
                              terminal.paint(Color::dim, undo_mark(view, script))));
    if (context.options().verbose) print_details(terminal, view, script, rows.after);
  }
  if (terminal.json()) terminal.data(dump(json));
  return exit_done;
}

int current(Context& context) {
  const View view = view_of(context);
  auto& terminal = context.terminal();
  if (terminal.json()) {
    terminal.data(dump({{"current", to_json(view.situation.current)}}));
    return exit_done;
  }
  for (const auto& id : view.situation.current) {
    const auto* script = view.graph.find(id);
    terminal.data(fmt::format("{}  {}{}", id.text, script ? script->message : "(no script)",
                              script ? marks(view, view.graph.position(id)) : ""));
  }
  if (view.situation.current.empty()) terminal.note("base: no revision is applied");
  return exit_done;
}

int heads(Context& context) {
  const View view = view_of(context);
  print_ids(context, "heads", view.graph.heads(), view);
  return exit_done;
}

int show(Context& context) {
  View view = view_of(context);
  add_history(view);
  auto& terminal = context.terminal();
  const auto position = chosen_revision(view, context.options().revisions.at(0));
  const Script& script = view.graph.scripts()[position];
  const std::string text = read_file(script.file);
  if (terminal.json()) {
    Json json = history_json(view, position);
    json["children"] = ids_of(view.graph.children(position), view.graph);
    json["created"] = script.created;
    json["digest"] = script.digest;
    json["text"] = text;
    terminal.data(dump(json));
    return exit_done;
  }
  terminal.data(fmt::format("{}  {}{}", terminal.paint(Color::yellow, script.id.text), script.message,
                            terminal.paint(Color::green, marks(view, position))));
  print_details(terminal, view, script, "");
  terminal.data("digest   " + script.digest);
  terminal.data("\n" + text);
  return exit_done;
}

}  // namespace belay::cli
