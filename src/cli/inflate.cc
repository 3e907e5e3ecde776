// troika inflate: a larger model that computes the same function.

#include "model/inflate.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_flags.h"
#include "cli/streams.h"
#include "core/output_file.h"
#include "core/progress.h"
#include "core/thread_pool.h"
#include "gguf/writer.h"

namespace troika::cli {
namespace {

constexpr int64_t kPortionBytes = int64_t{8} << 20;  // of a tensor, in memory at a time
constexpr int64_t kRun = 8;                          // rows that a thread takes

struct InflateFlags {
  std::string model;
  std::string out;
  int threads = 0;  // 0: one for each processor
  InflateOptions options;
};

/// Encodes rows [begin, end) of tensor `index` to `bytes`, shared among threads.
Status encode(const Inflation& plan, size_t index, int64_t begin, int64_t end,
              std::span<std::byte> bytes, ThreadPool& pool) {
  const int64_t row_bytes = dtype_bytes(plan.tensors()[index].dtype, plan.columns(index));
  // What fails does so by its values: the first row to fail is found again alone.
  std::atomic<bool> failed = false;
  pool.for_ranges(end - begin, kRun, [&](int64_t first, int64_t last) {
    const Status status =
        plan.encode_rows(index, begin + first, begin + last, bytes.data() + first * row_bytes);
    if (!status.ok()) failed = true;
  });
  return failed ? plan.encode_rows(index, begin, end, bytes.data()) : ok();
}

Status write_tensors(const Inflation& plan, gguf::Writer& writer, ThreadPool& pool,
                     const InterruptScope& interrupt) {
  Progress progress = Progress::on(stderr);
  std::vector<std::byte> bytes;
  for (size_t index = 0; index < plan.tensors().size(); index++) {
    const int64_t row_bytes = dtype_bytes(plan.tensors()[index].dtype, plan.columns(index));
    const int64_t rows = plan.rows(index);
    const int64_t portion = std::max<int64_t>(1, kPortionBytes / row_bytes);
    for (int64_t begin = 0; begin < rows; begin += portion) {
      const int64_t end = std::min(rows, begin + portion);
      bytes.resize(static_cast<size_t>((end - begin) * row_bytes));
      TROIKA_RETURN_IF_ERROR(encode(plan, index, begin, end, bytes, pool));
      TROIKA_RETURN_IF_ERROR(writer.write(bytes));
      if (interrupt.requested())
        return fail(ErrorCode::cancelled, "interrupted at tensor {} of {}, no file written", index,
                    plan.tensors().size());
      progress.show("inflating", writer.bytes_written(), writer.bytes_total());
    }
  }
  return writer.finish();
}

Status inflate(const InflateFlags& flags) {
  TROIKA_RETURN_IF_ERROR(OutputFile::check(flags.out));
  TROIKA_TRY(const gguf::File source, gguf::File::open(flags.model));
  TROIKA_TRY(const Inflation plan, Inflation::plan(source, flags.options));
  const int threads = flags.threads == 0 ? available_processors() : flags.threads;
  TROIKA_TRY(const std::unique_ptr<ThreadPool> pool, ThreadPool::create(threads));
  const InterruptScope interrupt;  // before there is a file to remove
  TROIKA_TRY(OutputFile out, OutputFile::create(flags.out));
  const std::span<const gguf::TensorHeader> tensors = plan.tensors();
  TROIKA_TRY(
      gguf::Writer writer,
      gguf::Writer::begin(plan.pairs(), {tensors.begin(), tensors.end()},
                          [&out](std::span<const std::byte> bytes) { return out.write(bytes); }));
  TROIKA_RETURN_IF_ERROR(write_tensors(plan, writer, *pool, interrupt));
  TROIKA_RETURN_IF_ERROR(out.commit());
  return write_stdout(fmt::format("{}: {} tensors, {:.3f} billion parameters, {} MiB of {}\n",
                                  flags.out, tensors.size(),
                                  static_cast<double>(plan.parameters()) * 1e-9,
                                  writer.bytes_total() >> 20, flags.options.type));
}

class InflateCommand final : public Command {
 public:
  std::string_view name() const override { return "inflate"; }
  std::string_view summary() const override {
    return "Write a larger model that computes the same function, to measure speed with";
  }
  std::string_view examples() const override {
    return "  troika inflate models/troika-demo.gguf -o big.gguf    # 1.5 billion parameters\n"
           "  troika inflate small.gguf --layers 36 --hidden 4096 --ff 12288 --type q8_0 -o "
           "big.gguf\n";
  }
  void declare(CLI::App& app) override {
    InflateOptions& o = flags_.options;
    add_model_flag(app, flags_.model);
    app.add_option("-o,--out", flags_.out, "the file to write")->required()->type_name("FILE");
    const auto size = [&app](const char* flag, std::optional<int64_t>& target, const char* help) {
      app.add_option(flag, target, help)->check(between(1, int64_t{1} << 22));
    };
    size("--layers", o.layers, "layers, draft head not counted [24]");
    size("--hidden", o.hidden, "width of the residual stream [2048]");
    size("--ff,--ffn", o.ffn, "width of the feed-forward [3 times hidden]");
    size("--heads", o.heads, "query heads [grow with hidden]");
    size("--kv-heads", o.kv_heads, "key and value heads [grow with hidden]");
    size("--key-heads", o.key_heads, "key heads of delta nets [grow with hidden]");
    size("--value-heads", o.value_heads, "value heads of delta nets [grow with hidden]");
    size("--vocab", o.vocab, "rows of the vocabulary [65536]");
    app.add_option("--type", o.type, "how to store it: " + file_type_names())
        ->capture_default_str();
    app.add_option("--seed", o.seed, "of the random weights")->capture_default_str();
    app.add_option("-t,--threads", flags_.threads, "0: one for each processor")
        ->check(between(0, ThreadPool::kThreadsMax))
        ->capture_default_str();
  }
  Status check() const override {
    if (find_file_type(flags_.options.type) != nullptr) return ok();
    return fail(ErrorCode::invalid_argument, "--type: {} not in {{{}}}", flags_.options.type,
                file_type_names());
  }
  Status run() override { return inflate(flags_); }

 private:
  InflateFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_inflate_command() {
  return std::make_unique<InflateCommand>();
}

}  // namespace troika::cli
