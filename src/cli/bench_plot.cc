#include "cli/bench_plot.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace troika::cli {
namespace {

using Json = nlohmann::json;

constexpr double kWidth = 800, kHeight = 500;
constexpr double kLeft = 70, kRight = 230, kTop = 45, kBottom = 55;  // of the area of the curves
constexpr std::array<std::string_view, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                      "#e69f00", "#56b4e9", "#8c564b", "#444444"};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else
      safe += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  return safe;
}

/// The least of 1, 2, 5 times a power of ten that cuts `range` into at most `parts`.
double tick_step(double range, int parts) {
  const double rough = range / parts;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

/// Where values lie in the drawing.
struct Scale {
  double tokens_max = 1, ms_max = 1;
  double x(double tokens) const { return kLeft + (kWidth - kLeft - kRight) * tokens / tokens_max; }
  double y(double ms) const { return kHeight - kBottom - (kHeight - kTop - kBottom) * ms / ms_max; }
};

Scale scale_of(std::span<const Curve> curves) {
  Scale scale{.tokens_max = 1e-9, .ms_max = 1e-9};
  for (const Curve& curve : curves)
    for (const CurvePoint& point : curve.points) {
      scale.tokens_max = std::max(scale.tokens_max, point.tokens);
      scale.ms_max = std::max(scale.ms_max, point.ms);
    }
  scale.ms_max *= 1.05;
  return scale;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

std::string line_from(double x1, double y1, double x2, double y2, std::string_view colour) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
      y2, colour);
}

std::string axes(const Scale& scale) {
  constexpr int kTicks = 8;
  constexpr std::string_view kGrid = "#dddddd";
  const double right = scale.x(scale.tokens_max), bottom = scale.y(0);
  std::string svg;
  const double ms_step = tick_step(scale.ms_max, kTicks);
  for (int i = 0; i * ms_step <= scale.ms_max; i++) {
    svg += line_from(kLeft, scale.y(i * ms_step), right, scale.y(i * ms_step), kGrid);
    svg += text_at(kLeft - 8, scale.y(i * ms_step) + 4, "end", fmt::format("{:g}", i * ms_step));
  }
  const double token_step = std::max(1.0, tick_step(scale.tokens_max, 2 * kTicks));
  for (int i = 0; i * token_step <= scale.tokens_max; i++) {
    svg += line_from(scale.x(i * token_step), kTop, scale.x(i * token_step), bottom, kGrid);
    svg += text_at(scale.x(i * token_step), bottom + 18, "middle",
                   fmt::format("{:g}", i * token_step));
  }
  svg += text_at((kLeft + right) / 2, kHeight - 14, "middle", "tokens in one forward pass");
  return svg + text_at(kLeft, kTop - 10, "start", "milliseconds");
}

std::string draw(const Curve& curve, const Scale& scale, size_t index) {
  const std::string_view colour = kColours[index % kColours.size()];
  std::string points, marks;
  for (const CurvePoint& point : curve.points) {
    points += fmt::format("{:.1f},{:.1f} ", scale.x(point.tokens), scale.y(point.ms));
    if (!curve.dashed)
      marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n",
                           scale.x(point.tokens), scale.y(point.ms), colour);
  }
  const std::string_view dashes = curve.dashed ? " stroke-dasharray=\"6 4\"" : "";
  const double y = kTop + 18 * static_cast<double>(index);
  const double x = kWidth - kRight + 16;
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n",
                     points, colour, dashes) +
         marks +
         fmt::format("<path d=\"M{:.1f} {:.1f} h22\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", x, y,
                     colour, dashes) +
         text_at(x + 28, y + 4, "start", curve.name);
}

Result<CurvePoint> point_of(const Json& object, std::string_view name, int64_t line) {
  const auto number = [&object](const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_number() ? member->get<double>() : -1.0;
  };
  const CurvePoint point{.tokens = number("tokens"), .ms = number("median")};
  if (point.tokens <= 0 || point.ms <= 0)
    return fail(ErrorCode::corrupt,
                "{}, line {}: a point of a curve without \"tokens\" and \"median\" above 0", name,
                line);
  return point;
}

std::string name_in(const Json& object) {
  const auto text = [&object](const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_string() ? member->get<std::string>() : "";
  };
  const std::string model = text("model");
  const size_t slash = model.find_last_of('/');
  const std::string file = slash == std::string::npos ? model : model.substr(slash + 1);
  return fmt::format("{} {}", text("engine"), file);
}

}  // namespace

std::vector<Curve> curves_of(std::span<const BenchResult> results, const std::string& name) {
  Curve measured{.name = name, .dashed = false, .points = {}};
  Curve limit{.name = "limit of this machine", .dashed = true, .points = {}};
  for (const BenchResult& result : results) {
    if (result.test != "curve") continue;
    const double tokens = result.details.value("tokens", 0.0);
    measured.points.push_back({tokens, result.series.median()});
    if (result.limit) limit.points.push_back({tokens, *result.limit});
  }
  if (measured.points.empty()) return {};
  return {measured, limit};
}

Result<std::vector<Curve>> parse_curves(std::string_view lines, std::string_view name) {
  std::vector<Curve> curves;
  for (int64_t number = 1; !lines.empty(); number++) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Json object = Json::parse(line, nullptr, false);
    if (!object.is_object())
      return fail(ErrorCode::corrupt, "{}, line {}: no JSON object", name, number);
    if (object.find("test") == object.end() || object["test"] != "curve") continue;
    TROIKA_TRY(const CurvePoint point, point_of(object, name, number));
    const std::string label = name_in(object);
    auto curve = std::ranges::find(curves, label, &Curve::name);
    if (curve == curves.end())
      curve = curves.insert(curve, {.name = label, .dashed = false, .points = {}});
    curve->points.push_back(point);
  }
  if (curves.empty())
    return fail(ErrorCode::corrupt, "{}: no line of a curve, wanted some of --tests curve --json",
                name);
  for (Curve& curve : curves) std::ranges::sort(curve.points, {}, &CurvePoint::tokens);
  return curves;
}

std::string plot_svg(std::string_view title, std::span<const Curve> curves) {
  const Scale scale = scale_of(curves);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"{}\" height=\"{}\" fill=\"white\"/>\n",
      kWidth, kHeight, kWidth, kHeight);
  svg += text_at(kLeft, kTop - 27, "start", title);
  svg += axes(scale);
  size_t index = 0;
  for (const Curve& curve : curves)
    if (!curve.points.empty()) svg += draw(curve, scale, index++);
  return svg + "</svg>\n";
}

}  // namespace troika::cli
