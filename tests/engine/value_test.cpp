#include "engine/value.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "engine/drivers/sqlite.h"
#include "tests/engine/fixture.h"

namespace belay::engine {
namespace {

/// SQLite's reading of literals.
class Literal : public testing::Test {
 protected:
  Value read(const Value& value) { return db->query("SELECT " + to_literal(value)).at(0).at(0); }
  /// The very same: also -0.0 is not 0.0.
  static bool same(const Value& a, const Value& b) {
    if (const auto* x = std::get_if<double>(&a))
      if (const auto* y = std::get_if<double>(&b))
        return std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*y);
    return a == b;
  }

  Folder folder;
  std::unique_ptr<Connection> db = drivers::open_sqlite(folder / "app.db", {});
};

TEST_F(Literal, EndsOfEachTypeComeBack) {
  using Double = std::numeric_limits<double>;
  using Integer = std::numeric_limits<std::int64_t>;
  for (const Value& value : std::vector<Value>{{},
                                               Integer::min(),
                                               Integer::min() + 1,
                                               std::int64_t{-1},
                                               std::int64_t{0},
                                               Integer::max(),
                                               0.0,
                                               1.0,
                                               -1.5,
                                               0.1,
                                               1e15,
                                               1e16,
                                               1e17,
                                               123456789012345680.0,
                                               9007199254740993.0,
                                               Double::max(),
                                               Double::lowest(),
                                               Double::min(),
                                               -Double::min(),
                                               Double::denorm_min(),
                                               -Double::denorm_min(),
                                               std::nextafter(Double::min(), 0),
                                               Double::infinity(),
                                               -Double::infinity(),
                                               Double::epsilon(),
                                               1.0 + Double::epsilon(),
                                               std::string(),
                                               std::string("it's 'quoted' \"twice\"; -- ü 漢"),
                                               std::string("a\0b'\0", 5),
                                               std::string("\n\r\t"),
                                               Blob(),
                                               Blob{std::byte{0}, std::byte{255}, std::byte{'\''}}})
    EXPECT_TRUE(same(read(value), value)) << to_literal(value) << " reads as " << to_literal(read(value));
}

TEST_F(Literal, StandsInAnyExpression) {
  const auto literal = to_literal(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(db->query("SELECT 1 WHERE -5 >= " + literal).size(), 1U);
  EXPECT_EQ(
      db->query("SELECT 1 WHERE 2 * " + to_literal(1e-310) + " > 0 AND 1 - " + to_literal(-1.0) + " = 2.0").size(), 1U);
}

RC_GTEST_FIXTURE_PROP(Literal, IntegerComesBack, (std::int64_t number)) {
  RC_ASSERT(same(read(number), number));
}

RC_GTEST_FIXTURE_PROP(Literal, TextComesBack, (std::string text)) {
  RC_ASSERT(same(read(text), text));
}

RC_GTEST_FIXTURE_PROP(Literal, BlobComesBack, (const std::vector<std::uint8_t>& bytes)) {
  Blob blob;
  for (const auto byte : bytes) blob.push_back(std::byte{byte});
  RC_ASSERT(same(read(blob), blob));
}

TEST_F(Literal, NumbersOfAllMagnitudesComeBackWithAllTheirDigits) {
  std::mt19937_64 random(1);  // NOLINT(cert-msc51-cpp): the same numbers each time.
  std::vector<Value> wrong;
  for (int i = 0; i < 20'000; ++i) {
    const auto number = std::bit_cast<double>(random() >> (i % 2 * 5));  // Small ones as often as all.
    if (!std::isnan(number) && !same(read(number), number)) wrong.emplace_back(number);
  }
  EXPECT_EQ(wrong, std::vector<Value>());
}

TEST(IsTrue, IsNeitherNullNorZero) {
  EXPECT_FALSE(is_true({}));
  EXPECT_FALSE(is_true(std::int64_t{0}));
  EXPECT_FALSE(is_true(0.0));
  EXPECT_FALSE(is_true(-0.0));
  EXPECT_TRUE(is_true(std::int64_t{-1}));
  EXPECT_TRUE(is_true(0.5));
  EXPECT_TRUE(is_true(std::string("0")));
  EXPECT_TRUE(is_true(Blob()));
}

}  // namespace
}  // namespace belay::engine
