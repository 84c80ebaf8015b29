#pragma once

#include <array>

#include "cli/commands.h"

namespace belay::cli {

// The words of the command line. Only app.cpp includes this.

/// What a command takes besides the global options.
enum Takes : unsigned {
  nothing = 0,
  dry_run = 1U << 0U,   // --dry-run, --sql
  target = 1U << 1U,    // --to, --steps, --atomic
  steps = 1U << 2U,     // --steps
  revision = 1U << 3U,  // REV, at least one where `required` is set
  revisions = 1U << 4U,
  required = 1U << 5U,
  range = 1U << 6U,    // [RANGE] --graph
  words = 1U << 7U,    // "message", for `new`
  message = 1U << 8U,  // -m MESSAGE
  script = 1U << 9U,   // --parent, --stdout, --dry-run
  folder = 1U << 10U,
  exit_code = 1U << 11U,
  run_number = 1U << 12U,
  keep = 1U << 13U,
  shell = 1U << 14U,
  atomic = 1U << 15U,
  directions = 1U << 16U,  // --forward, --back
  back_to = 1U << 17U,     // [RUN]
  discard = 1U << 18U,     // --discard-later-writes, --dry-run
  sources = 1U << 23U,     // [A] [B]
  backups = 1U << 19U,     // --list, --verify, --prune, -o
  restorable = 1U << 22U,  // [ID] --list, --dry-run
  parts = 1U << 26U,       // --files, --backups
  fixing = 1U << 27U,      // --to, --dry-run
  baseline = 1U << 28U,    // --baseline
  from_db = 1U << 29U,     // --from-db
  generated = 1U << 20U,   // --autogenerate, --rename, --allow-drop, --from
};

struct Command {
  const char* name;  // `journal verify` for a command of a command
  const char* group;
  const char* summary;
  unsigned takes;
  int (*run)(Context&);
  const char* examples;
};

inline constexpr const char* everyday = "Every day";
inline constexpr const char* advanced = "Revisions";
inline constexpr const char* mending = "On a bad day";
inline constexpr const char* looking = "Looking closer";

inline constexpr std::array commands{
    Command{"init", everyday, "write belay.toml, template.sql, schema.sql and versions/ where they are missing",
            folder | from_db, init,
            "belay init\nbelay init services/booking\nbelay init --from-db\nbelay init --from-db --database "
            "sqlite:existing.db"},
    Command{"migrate", everyday, "apply all pending revisions (= upgrade head)", dry_run | target, migrate,
            "belay migrate\nbelay migrate --dry-run\nbelay migrate --steps 2\nbelay migrate --atomic\nbelay -e "
            "production migrate"},
    Command{"new", everyday, "write a new script on the current head", words | script, new_revision,
            "belay new \"add rooms\"\nbelay new \"hotfix\" --parent 20260119140000"},
    Command{"rollback", everyday, "take back one revision by its down section (= downgrade -1)",
            dry_run | steps | atomic, rollback, "belay rollback\nbelay rollback --steps 3"},
    Command{"status", everyday, "where the database is, what is pending, what an interrupted run left; writes nothing",
            exit_code, status, "belay status\nbelay status --json\nbelay status --exit-code || echo pending"},
    Command{"backup", everyday,
            "a verified backup of the database, while it is in use; --list, --verify and --prune those there are",
            backups, backup,
            "belay backup\nbelay backup --list\nbelay backup --verify newest\nbelay backup --prune 5\nbelay backup -o "
            "/mnt/stick/app.db.zst"},
    Command{
        "revision", advanced,
        "write a new script, like `new`; --autogenerate fills it with what turns the database into schema.sql",
        message | script | baseline | generated, new_revision,
        "belay revision -m \"add rooms\"\nbelay revision --autogenerate -m \"rooms have codes\"\nbelay revision "
        "--autogenerate -m \"a better name\" --rename rooms.name=title\nbelay revision --autogenerate -m \"no more "
        "logs\" --allow-drop=logs\nbelay revision --autogenerate -m \"in CI\" --from versions --stdout\nbelay revision "
        "--baseline -m \"as found\""},
    Command{"history", advanced,
            "revisions, newest first; applied ones are marked *, those of a run that can be taken back with its number",
            range, history, "belay history\nbelay history --graph\nbelay history current:head\nbelay history 2026011:"},
    Command{"current", advanced, "the revisions that the database is at", nothing, current, "belay current"},
    Command{"heads", advanced, "the revisions that no other comes after", nothing, heads, "belay heads"},
    Command{"show", advanced, "one revision: its place, its file, its text", revision | required, show,
            "belay show head\nbelay show 20260119"},
    Command{"upgrade", advanced, "apply what leads up to a revision: head, heads, +N, an id or a prefix",
            revision | dry_run | atomic, upgrade, "belay upgrade head\nbelay upgrade +2\nbelay upgrade 20260119"},
    Command{"downgrade", advanced, "take back what came after a revision: base, -N, an id or a prefix",
            revision | required | dry_run | atomic, downgrade,
            "belay downgrade -1\nbelay downgrade 20260119\nbelay downgrade base"},
    Command{"merge", advanced, "write a revision that joins heads (all of them, if none is named)",
            message | revisions | script, merge,
            "belay merge -m \"join rooms and audit\"\nbelay merge -m join 20260309 20260310"},
    Command{"stamp", advanced, "record revisions and their ancestors as applied, and no others, without running them",
            revisions | required | dry_run, stamp,
            "belay stamp head --dry-run\nbelay stamp 20260119 --yes\nbelay stamp base --yes"},
    Command{"check", mending,
            "whether everything is as it should be: database file, scripts, version table, schema, schema.sql, "
            "journal; writes nothing",
            parts, check, "belay check\nbelay check --backups\nbelay check --files\nbelay check --json"},
    Command{"reset", everyday,
            "back the database up, take it down to base, drop what is left, and migrate to the head; asks", dry_run,
            reset, "belay reset --dry-run\nbelay reset\nbelay reset --yes\nbelay reset --sql"},
    Command{"recover", mending,
            "show what an interrupted run left and what could be taken back; --forward, --back settle it",
            directions | discard, recover,
            "belay recover\nbelay recover --forward\nbelay recover --back\nbelay recover --json"},
    Command{
        "recover fix-state", mending,
        "find out which revisions the schema proves to be applied, and bring version table and journal in step with "
        "that, once confirmed: after a lost or damaged journal, a database that was swapped, put back or taken over "
        "from another tool",
        fixing, fix_state,
        "belay recover fix-state\nbelay recover fix-state --yes\nbelay recover fix-state --to 20260119\nbelay recover "
        "fix-state --json"},
    Command{"recover undo-run", mending,
            "take back the newest finished run, or all back to and including RUN, by before-images: what it dropped or "
            "overwrote comes back, what it wrote is gone",
            back_to | discard, undo_run,
            "belay recover undo-run --dry-run\nbelay recover undo-run\nbelay recover undo-run 12 --yes\nbelay recover "
            "undo-run --discard-later-writes"},
    Command{
        "recover restore", mending,
        "put a backup in the place of the database: the newest one (but for what restores have replaced), the one of "
        "that id, or a file; what it replaces is kept as a backup",
        restorable, restore,
        "belay recover restore --list\nbelay recover restore\nbelay recover restore 20261122T125453Z\nbelay recover "
        "restore /mnt/stick/app.db.zst --dry-run"},
    Command{
        "diff", looking,
        "what is different between two schemas: the database (db), what the scripts make (versions, versions:REV), a "
        ".sql file, the URL of another database; without words, db and versions",
        sources | exit_code, diff,
        "belay diff\nbelay diff db schema.sql\nbelay diff db schema.sql --sql\nbelay diff versions:20260119 "
        "versions\nbelay diff db "
        "sqlite:staging.db --exit-code"},
    Command{"journal", looking, "print the journal", run_number, journal,
            "belay journal\nbelay journal --run 3\nbelay journal --json"},
    Command{"journal verify", looking, "read and check every record and before-image of the journal", nothing,
            journal_verify, "belay journal verify"},
    Command{"journal prune", looking,
            "let go of the oldest runs, beyond keep_runs with all they have; beyond keep_bytes their before-images go "
            "first; those of the newest run stay",
            keep, journal_prune, "belay journal prune\nbelay journal prune --keep 10"},
    Command{"config", looking, "every setting, its value, and where it comes from", nothing, config,
            "belay config\nbelay -e production config"},
    Command{"completion", looking, "print the completion script for bash, zsh or fish", shell, nullptr,
            "source <(belay completion bash)\nbelay completion fish | source"},
};

}  // namespace belay::cli
