// A thousand streamed answers at once on a device that computes nothing: what HTTP, events and the
// delivery cost. A run of the trunk takes 0 or 50 ms, asleep. One thread of this program reads all
// streams, on the same processors as the server.
//
// gap: between two arrivals of one stream. jitter: how far a gap is from the middle one. errors:
// streams whose end did not come. Tokens come with drafts, so an event may tell several.
#include <benchmark/benchmark.h>

#include "serve/app.h"
#include "serve/many_streams.h"
#include "serve/null_model.h"

namespace troika::testing {
namespace {

void streams(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const auto run_ms = static_cast<double>(state.range(1));
  constexpr int kTokens = 200;
  serve::AppOptions options;
  options.listener.port = 0;
  options.serving.alias = "demo";
  options.load = [&] { return load_null_model(count, run_ms); };
  auto app = serve::App::start(std::move(options));
  if (!app.ok() || !(*app)->wait_until_loaded().ok())
    return state.SkipWithError("the server does not start");
  StreamTimes times;
  for (auto _ : state) times = read_streams((*app)->port(), count, kTokens);
  state.counters["errors"] = static_cast<double>(count - times.done);
  state.counters["gap_ms_p50"] = times.gap_ms(0.5);
  state.counters["gap_ms_p99"] = times.gap_ms(0.99);
  state.counters["jitter_ms_p99"] = times.jitter_ms(0.99);
  state.counters["tokens"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * count * kTokens, benchmark::Counter::kIsRate);
}
BENCHMARK(streams)
    ->ArgNames({"streams", "run_ms"})
    ->ArgsProduct({{1, 100, 1000}, {0, 50}})
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troika::testing
