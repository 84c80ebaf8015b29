#include <fmt/format.h>

#include <map>
#include <ostream>

#include "tests/faults/laboratory.h"

namespace belay::faults {
namespace {

struct Count {
  std::uint64_t cases = 0;
  std::uint64_t violations = 0;
};

/// By scenario and class.
std::map<std::pair<std::string, char>, Count> counts(const Report& report) {
  std::map<std::pair<std::string, char>, Count> sums;
  for (const auto& cell : report.cells) {
    auto& sum = sums[{cell.scenario, cell.letter}];
    sum.cases += cell.cases;
    sum.violations += cell.broken.size();
  }
  return sums;
}

std::string letters(const Report& report) {
  std::string all;
  for (const auto& one : fault_classes())
    for (const auto& cell : report.cells)
      if (cell.letter == one.letter) {
        all += one.letter;
        break;
      }
  return all;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '<')
      result += "&lt;";
    else if (letter == '&')
      result += "&amp;";
    else
      result += letter;
  }
  return result;
}

}  // namespace

void print(const Report& report, std::ostream& out) {
  const auto sums = counts(report);
  const auto columns = letters(report);
  out << fmt::format("{:<16}", "");
  for (const char letter : columns) out << fmt::format("{:>9}", letter);
  out << "\n";
  for (const auto& scenario : scenarios()) {
    std::string line;
    for (const char letter : columns) {
      const auto found = sums.find({scenario.name, letter});
      line += fmt::format("{:>9}", found == sums.end() ? "-"
                                   : found->second.violations > 0
                                       ? fmt::format("{}!{}", found->second.cases, found->second.violations)
                                       : fmt::format("{}", found->second.cases));
    }
    if (line.find_first_not_of(" -") != std::string::npos) out << fmt::format("{:<16}{}\n", scenario.name, line);
  }
  for (const auto& one : fault_classes()) {
    Count sum;
    std::uint64_t known = 0;
    double seconds = 0;
    double cpu_seconds = 0;
    for (const auto& cell : report.cells) {
      if (cell.letter != one.letter) continue;
      sum.cases += cell.cases;
      sum.violations += cell.broken.size();
      known += cell.known;
      seconds += cell.seconds;
      cpu_seconds += cell.cpu_seconds;
    }
    if (columns.find(one.letter) != std::string::npos)
      out << fmt::format("{}  {:<40} {:>7} cases{}, {} violations, {:.1f} s, {:.1f} s of a processor\n", one.letter,
                         one.name, sum.cases,
                         known > 0 ? fmt::format(" ({} of them leave what others left)", known) : "", sum.violations,
                         seconds, cpu_seconds);
  }
  for (const auto& [letter, why] : report.not_run) out << fmt::format("{}  not run: {}\n", letter, why);
  for (const auto& cell : report.cells)
    for (const auto& [replay, what] : cell.broken)
      out << fmt::format("tests/run faults --seed {} --replay {}\n    {}\n", cell.seed, replay, what);
}

std::string svg(const Report& report) {
  constexpr int left = 130;
  constexpr int top = 40;
  constexpr int width = 78;
  constexpr int height = 24;
  const auto sums = counts(report);
  const auto columns = letters(report);
  const auto rows = static_cast<int>(scenarios().size());
  const auto text = [](int x, int y, std::string_view anchor, std::string_view what) {
    return fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(what));
  };
  std::string picture = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      left + width * static_cast<int>(columns.size()) + 20, top + height * rows + 40);
  for (int column = 0; column < static_cast<int>(columns.size()); ++column) {
    const int x = left + width * column;
    picture += text(x + width / 2, top - 12, "middle", std::string(1, columns[static_cast<std::size_t>(column)]));
    for (int row = 0; row < rows; ++row) {
      const int y = top + height * row;
      const auto found =
          sums.find({scenarios()[static_cast<std::size_t>(row)].name, columns[static_cast<std::size_t>(column)]});
      const auto count = found == sums.end() ? Count{} : found->second;
      picture += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n", x + 1, y + 1,
                             width - 2, height - 2,
                             count.violations > 0 ? "#d73027"
                             : count.cases > 0    ? "#b7e2b1"
                                                  : "#eeeeee");
      if (count.cases > 0) picture += text(x + width / 2, y + 16, "middle", fmt::format("{}", count.cases));
    }
  }
  for (int row = 0; row < rows; ++row)
    picture += text(left - 8, top + height * row + 16, "end", scenarios()[static_cast<std::size_t>(row)].name);
  picture += text(left, top + height * rows + 24, "start",
                  fmt::format("{} cases, {} violations", report.cases(), report.violations()));
  return picture + "</svg>\n";
}

}  // namespace belay::faults
