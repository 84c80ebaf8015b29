#include "cli/script_template.h"

#include <gtest/gtest.h>

#include "cli/failure.h"

namespace belay::cli {
namespace {

std::string filled(const std::string& text, const Sections& sections) {
  return fill_sections(text, sections, "template.sql");
}

TEST(FillSections, PutsEachBehindItsMarker) {
  EXPECT_EQ(filled("-- message: m\n\n-- migrate:up\n\n\n-- migrate:down\n\n", {.up = "A;\n", .down = "B;\n"}),
            "-- message: m\n\n-- migrate:up\nA;\n\n-- migrate:down\nB;\n");
  EXPECT_EQ(filled("-- migrate:down transaction:off\n-- migrate:up", {.up = "A;\n", .down = "B;\n"}),
            "-- migrate:down transaction:off\nB;\n-- migrate:up\nA;\n");
}

TEST(FillSections, KeepsWhatATemplateHas) {
  EXPECT_EQ(filled("-- migrate:up\nSELECT 1;\n-- migrate:down\n-- none\n", {.up = "A;\n", .down = "B;\n"}),
            "-- migrate:up\nA;\nSELECT 1;\n-- migrate:down\nB;\n-- none\n");
}

TEST(FillSections, SaysWhyThereIsNoWayBack) {
  EXPECT_EQ(filled("-- migrate:up\n-- migrate:down  \n", {.up = "A;\n", .down = "", .irreversible = "no \"x\"\nthere"}),
            "-- migrate:up\nA;\n-- migrate:down irreversible:\"no \"\"x\"\" there\"\n");
}

TEST(FillSections, NeedsBothMarkers) {
  for (const char* text : {"", "-- migrate:up\n", "-- migrate:down\n", "-- migrate:up\n-- migrate:downwards\n"})
    EXPECT_THROW(filled(text, {}), Error) << text;
}

}  // namespace
}  // namespace belay::cli
