#include <string>
#include <variant>

#include "cli/inspection.h"
#include "core/printable.h"
#include "engine/sequence.h"

namespace troika::cli {
namespace {

std::string size_text(int64_t bytes) {
  return bytes_text(static_cast<double>(bytes));
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text;
  for (const int64_t length : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", length);
  return "[" + text + "]";
}

class Page {
 public:
  void title(std::string_view text) {
    text_ += fmt::format("{}{}\n", text_.empty() ? "" : "\n", text);
  }
  void line(std::string_view name, std::string_view content) {
    text_ += fmt::format("  {:<20} {}\n", name, content);
  }
  void row(std::string_view text) { text_ += fmt::format("  {}\n", text); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_metadata(Page& page, const gguf::File& file) {
  const auto values = file.metadata().values();
  page.title(fmt::format("metadata ({} keys)", values.size()));
  for (const gguf::Value& value : values)
    page.row(fmt::format("{:<44} {:<20} {}", printable(value.key), value.type_text(),
                         gguf::value_text(value)));
}

void add_tensors(Page& page, const gguf::File& file) {
  page.title(fmt::format("tensors ({})", file.tensors().size()));
  for (const gguf::TensorInfo& tensor : file.tensors())
    page.row(fmt::format("{:<44} {:<8} {:<20} {:>12} bytes", printable(tensor.name),
                         dtype_info(tensor.dtype).name, shape_text(tensor.shape), tensor.bytes));
}

void add_model(Page& page, const Inspection& inspection) {
  page.title("model");
  if (!inspection.model.ok()) {
    page.line("cannot run", inspection.model.error().message());
    return;
  }
  const ModelInfo& info = inspection.model->info;
  int64_t attention = 0;
  int64_t recurrent = 0;
  for (const StateInfo& state : inspection.model->states) {
    attention += std::holds_alternative<KvState>(state.spec) && !state.draft_head;
    recurrent += std::holds_alternative<DeltaState>(state.spec);
  }
  page.line("architecture", printable(info.architecture));
  page.line("layers",
            fmt::format("{}: {} with attention, {} recurrent", info.layers, attention, recurrent));
  if (info.experts > 0)
    page.line("experts", fmt::format("{}, {} used for a token", info.experts, info.experts_used));
  page.line("hidden", fmt::format("{}", info.hidden));
  page.line("vocabulary", fmt::format("{}", info.vocab));
  page.line("trained for", fmt::format("{} tokens", info.context_length));
  page.line("draft head", info.draft_head ? "yes" : "no");
}

void add_tokenizer(Page& page, const Inspection& inspection) {
  page.title("tokenizer");
  if (!inspection.tokenizer.ok()) {
    page.line("cannot be used", inspection.tokenizer.error().message());
    return;
  }
  const Tokenizer& tokenizer = **inspection.tokenizer;
  page.line("tokens", fmt::format("{}", tokenizer.vocab()));
  std::string ends;
  for (const TokenId id : tokenizer.end_of_generation_ids())
    ends += fmt::format("{}{} \"{}\"", ends.empty() ? "" : ", ", static_cast<int32_t>(id),
                        printable(tokenizer.token_text(id)));
  page.line("ends a text", ends.empty() ? "none" : ends);
  for (const std::string& warning : tokenizer.warnings()) page.line("note", warning);
}

void add_memory(Page& page, const Inspection& inspection) {
  if (!inspection.memory) return;
  const MemoryPlan& plan = *inspection.memory;
  const ContextSize& size = inspection.context;
  page.title(fmt::format("memory for a context of {} tokens (KV {}, up to {} drafts)", size.tokens,
                         dtype_info(size.kv_dtype).name, size.draft_tokens_max));
  page.line("weights", size_text(plan.weights.total()));
  page.line("keys and values", size_text(plan.kv.total()));
  page.line("recurrent states", size_text(plan.recurrent));
  page.line("draft log", fmt::format("{} ({} for each unverified token)", size_text(plan.log),
                                     size_text(plan.log_per_token)));
  page.line("hidden rows", size_text(plan.hidden));
  if (plan.checkpoints > 0) page.line("checkpoints", size_text(plan.checkpoints));
  page.line("total", size_text(plan.total()));
  if (inspection.model->info.draft_head)
    page.line("of the draft head",
              fmt::format("{}: {:.1f} % on top of the trunk's weights, keys and values",
                          size_text(plan.weights.draft_head + plan.kv.draft_head),
                          100 * plan.draft_head_share()));
}

}  // namespace

std::string inspection_text(const Inspection& inspection) {
  Page page;
  page.title(fmt::format("{} ({})", inspection.file->name(), size_text(inspection.file->bytes())));
  add_metadata(page, *inspection.file);
  add_tensors(page, *inspection.file);
  add_model(page, inspection);
  add_tokenizer(page, inspection);
  add_memory(page, inspection);
  return page.take();
}

}  // namespace troika::cli
