#include "versions/marker.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/versions/fixtures.h"

namespace belay::versions {
namespace {

Marker marker_of(std::string_view comment) {
  const auto marker = read_marker(comment, 1);
  EXPECT_TRUE(marker) << comment;
  return marker.value_or(Marker{});
}

Error refusal_of(std::string_view comment) {
  Error error = error_of([comment] { read_marker(comment, 7); });
  EXPECT_EQ(error.code(), ErrorCode::malformed) << comment;
  EXPECT_EQ(error.line(), 7) << comment;
  return error;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(Marker, EachKindIsRead) {
  EXPECT_EQ(marker_of("-- migrate:up").kind, MarkerKind::up);
  EXPECT_EQ(marker_of("--migrate:down").kind, MarkerKind::down);
  EXPECT_EQ(marker_of("--\tmigrate:verify \r").kind, MarkerKind::verify);
  EXPECT_EQ(marker_of("--   migrate:step").kind, MarkerKind::step);
}

TEST(Marker, OrdinaryCommentsAreNoMarkers) {
  for (const char* comment :
       {"--", "-- ", "-- migrate the old rooms first", "-- migrate", "-- migrate up to three rooms", "-- up",
        "-- down:", "-- step 1: rooms", "-- migration: add rooms", "-- Migration 0001", "-- immigrate:foo",
        "-- verify: by hand", "-- migrates step by step", "-- goose", "-- + migrate the rest",
        "-- we migrate:up to here", "-- migrates: up to ten rooms", "-- é"}) {
    EXPECT_FALSE(read_marker(comment, 1)) << comment;
  }
}

TEST(Marker, MisspeltMarkerSuggestsTheNearest) {
  const std::pair<const char*, const char*> cases[] = {
      {"-- migrate:dwon", "`-- migrate:down`"},
      {"-- migrat:up", "`-- migrate:up`"},
      {"-- Migrate:Up", "`-- migrate:up`"},
      {"-- MIGRATE:DOWN", "`-- migrate:down`"},
      {"-- migrate: up", "`-- migrate:up`"},
      {"-- migrate :verify", "`-- migrate:verify`"},
      {"-- migrate up", "`-- migrate:up`"},
      {"-- Migrate Down\r", "`-- migrate:down`"},
      {"--migrate-step", "`-- migrate:step`"},
      {"-- migrate=up", "`-- migrate:up`"},
      {"-- migration:up", "`-- migrate:up`"},
      {"-- migrations down", "`-- migrate:down`"},
      {"-- migrate:up.", "`-- migrate:up`"},
      {"-- migrate:steps", "`-- migrate:step`"},
      {"---- migrate:up ----", "`-- migrate:up`"},
      {"-- @migrate:verfy", "`-- migrate:verify`"},
      {"-- migrate down now:yes", "`-- migrate:down`"},
      {"-- migrtae:up the rooms", "`-- migrate:up`"},
      {"-- migrate:up:off", "`-- migrate:up`"},
  };
  for (const auto& [comment, suggestion] : cases)
    EXPECT_TRUE(contains(refusal_of(comment).next(), suggestion)) << comment;
}

TEST(Marker, UnknownMarkerNamesThemAll) {
  for (const char* comment : {"-- migrate:", "-- migrate:frobnicate", "-- MIGRATE: rooms", "-- migrate:ú"}) {
    EXPECT_TRUE(contains(refusal_of(comment).next(), "`-- migrate:verify`, `-- migrate:step`")) << comment;
  }
}

TEST(Marker, GoosesMarkersAreNamedAsSuch) {
  EXPECT_TRUE(contains(refusal_of("-- +goose Up").what(), "marker of goose"));
  EXPECT_EQ(refusal_of("-- +goose Up").next(), "write `-- migrate:up`");
  EXPECT_EQ(refusal_of("--+GOOSE down").next(), "write `-- migrate:down`");
  EXPECT_EQ(refusal_of("-- +goose NO TRANSACTION").next(), "write `-- migrate:up transaction:off`");
  EXPECT_TRUE(contains(refusal_of("-- +goose StatementBegin").next(), "remove the line"));
}

TEST(Marker, SqlMigratesMarkersAreNamedAsSuch) {
  EXPECT_TRUE(contains(refusal_of("-- +migrate Up").what(), "marker of sql-migrate"));
  EXPECT_EQ(refusal_of("-- +migrate Down notransaction").next(), "write `-- migrate:down`");
}

TEST(MarkerOptions, AreAbsentByDefault) {
  const Marker marker = marker_of("-- migrate:step");
  EXPECT_EQ(marker.name, "");
  EXPECT_EQ(marker.transactional, std::nullopt);
  EXPECT_FALSE(marker.repeatable);
  EXPECT_FALSE(marker.batch);
  EXPECT_FALSE(marker.irreversible);
}

TEST(MarkerOptions, TransactionIsOnOrOff) {
  EXPECT_EQ(marker_of("-- migrate:up transaction:off").transactional, false);
  EXPECT_EQ(marker_of("-- migrate:up transaction:false").transactional, false);
  EXPECT_EQ(marker_of("-- migrate:down transaction:on").transactional, true);
  EXPECT_EQ(marker_of("-- migrate:step transaction:\"true\"").transactional, true);
  EXPECT_EQ(refusal_of("-- migrate:up transaction:none").next(), "write `transaction:on` or `transaction:off`");
}

TEST(MarkerOptions, StepHasANameAndItsOptions) {
  const Marker marker = marker_of("-- migrate:step backfill\ttransaction:off   repeatable:yes");
  EXPECT_EQ(marker.name, "backfill");
  EXPECT_EQ(marker.transactional, false);
  EXPECT_TRUE(marker.repeatable);
  EXPECT_FALSE(marker_of("-- migrate:step repeatable:no").repeatable);
}

TEST(MarkerOptions, BatchGoesOverTableAndColumn) {
  const auto batch = marker_of("-- migrate:step batch:5000 over:rooms.id").batch;
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->rows, 5000);
  EXPECT_EQ(batch->table, "rooms");
  EXPECT_EQ(batch->column, "id");
}

TEST(MarkerOptions, NamesMayBeQuotedAsInSql) {
  const auto batch = marker_of("-- migrate:step over:\"old \"\"rooms.\".\"the id\" batch:1").batch;
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->table, "old \"rooms.");
  EXPECT_EQ(batch->column, "the id");
}

TEST(MarkerOptions, IrreversibleHasAReason) {
  EXPECT_EQ(marker_of("-- migrate:down irreversible:\"the \"\"old\"\" data: gone\"").irreversible,
            "the \"old\" data: gone");
  EXPECT_EQ(marker_of("-- migrate:down irreversible:gone").irreversible, "gone");
}

TEST(MarkerOptions, MisspeltOptionSuggestsTheNearest) {
  EXPECT_EQ(refusal_of("-- migrate:up transacton:off").next(), "did you mean `transaction`?");
  EXPECT_EQ(refusal_of("-- migrate:step Batch:5 over:a.b").next(), "did you mean `batch`?");
  EXPECT_EQ(refusal_of("-- migrate:down ireversible:\"x\"").next(), "did you mean `irreversible`?");
}

TEST(MarkerOptions, OptionOfAnotherMarkerIsRefused) {
  EXPECT_EQ(refusal_of("-- migrate:up batch:5").next(), "it may have transaction");
  EXPECT_EQ(refusal_of("-- migrate:up irreversible:\"x\"").next(), "it may have transaction");
  EXPECT_TRUE(contains(refusal_of("-- migrate:verify transaction:off").next(), "takes no options"));
}

TEST(MarkerOptions, WhatMakesNoSenseIsRefused) {
  for (const char* comment :
       {"-- migrate:up rooms", "-- migrate:up -- the rooms", "-- migrate:verify all", "-- migrate:step one two",
        "-- migrate:step batch:1 over:a.b name", "-- migrate:step \"my name\"", "-- migrate:step transaction",
        "-- migrate:step batch: over:a.b", "-- migrate:step :x", "-- migrate:step repeatable:true",
        "-- migrate:up transaction:off transaction:off", "-- migrate:down irreversible:\"\"",
        "-- migrate:down irreversible:\" \"", "-- migrate:down irreversible:\"why",
        "-- migrate:down irreversible:a\"b\"", "-- migrate:down irreversible:\"a\"b",
        "-- migrate:down irreversible:\"a\"b\"c\""}) {
    refusal_of(comment);
  }
}

TEST(MarkerOptions, BatchNeedsANumberInBounds) {
  EXPECT_EQ(marker_of("-- migrate:step batch:1000000000 over:a.b").batch->rows, 1'000'000'000);
  for (const char* rows : {"0", "-1", "1000000001", "99999999999999999999", "5k", "1.5", "x"}) {
    refusal_of("-- migrate:step over:a.b batch:" + std::string(rows));
  }
}

TEST(MarkerOptions, OverNeedsOneTableAndOneColumn) {
  for (const char* over :
       {"rooms", "rooms.", ".id", "main.rooms.id", "\"rooms.id", "\"\".id", "rooms.\"\"", "1a.id", "a.b-c"}) {
    refusal_of("-- migrate:step batch:5 over:" + std::string(over));
  }
}

TEST(MarkerOptions, RebuildNamesATableAndItsFingerprints) {
  const auto rebuild = marker_of("-- migrate:step rebuild:rooms from:0123456789abcdef to:FEDCBA9876543210").rebuild;
  EXPECT_EQ(rebuild, (schema::Rebuild{"rooms", "0123456789abcdef", "fedcba9876543210"}));
  EXPECT_EQ(marker_of("-- migrate:step rebuild:\"my \"\"table\"").rebuild, (schema::Rebuild{"my \"table", "", ""}));
  EXPECT_EQ(marker_of("-- migrate:step copy to:0123456789abcdef rebuild:räume").rebuild,
            (schema::Rebuild{"räume", "", "0123456789abcdef"}));
}

TEST(MarkerOptions, RebuildNeedsOneTable) {
  for (const char* table : {"my table", "\"rooms", "\"\"", "1a", "main.rooms", "a-b"})
    refusal_of("-- migrate:step rebuild:" + std::string(table));
  EXPECT_EQ(refusal_of("-- migrate:step rebuilt:rooms").next(), "did you mean `rebuild`?");
  EXPECT_EQ(refusal_of("-- migrate:down rebuild:rooms").next(), "it may have transaction, irreversible");
}

TEST(MarkerOptions, FingerprintHasSixteenHexadecimalDigits) {
  for (const char* text : {"0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", "0x23456789abcdef", "\"\""}) {
    EXPECT_EQ(refusal_of("-- migrate:step rebuild:t from:" + std::string(text)).next(),
              "write 16 hexadecimal digits, or leave `from:` out");
    refusal_of("-- migrate:step rebuild:t to:" + std::string(text));
  }
}

TEST(MarkerOptions, FingerprintsNeedARebuild) {
  EXPECT_STREQ(refusal_of("-- migrate:step from:0123456789abcdef").what(), "`from` needs `rebuild`");
  EXPECT_STREQ(refusal_of("-- migrate:step to:0123456789abcdef").what(), "`to` needs `rebuild`");
}

TEST(MarkerOptions, RebuildIsNoBatch) {
  EXPECT_STREQ(refusal_of("-- migrate:step rebuild:t batch:5 over:t.a").what(),
               "a rebuild is one step and cannot be done in batches");
}

TEST(MarkerOptions, BatchAndOverNeedEachOther) {
  EXPECT_STREQ(refusal_of("-- migrate:step batch:5").what(), "`batch` needs `over`");
  EXPECT_STREQ(refusal_of("-- migrate:step over:a.b").what(), "`over` needs `batch`");
}

}  // namespace
}  // namespace belay::versions
