#include "runtime/model_session.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/printable.h"
#include "model/registry.h"
#include "text/output/output_format.h"

namespace troika {

int64_t context_tokens(const std::optional<int64_t>& wanted, const ModelInfo& info) {
  if (!wanted) return std::min(EngineOptions{}.context, info.context_length);
  return *wanted == 0 ? info.context_length : *wanted;
}

Result<OpenModel> open_model(const std::string& path, const ModelOptions& options) {
  TROIKA_TRY(gguf::File file, gguf::File::open(path));
  TROIKA_TRY(Model model, make_model(file, options));
  return OpenModel{std::move(file), std::move(model)};
}

Result<LoadedModel> load_weights(OpenModel& opened, Device& device, const ContextSize& size,
                                 Progress& progress, const Model* draft_model) {
  const DeviceInfo& info = device.info();
  const int64_t here = info.memory_bytes - info.elsewhere_bytes;
  TROIKA_RETURN_IF_ERROR(check_memory(opened.model, size, device,
                                      std::min(here, memory_available(here)) + info.elsewhere_bytes,
                                      draft_model));
  return import_weights(opened, device, progress);
}

Result<LoadedModel> import_weights(OpenModel& opened, Device& device, Progress& progress) {
  const auto show = [&](int64_t done, int64_t total) {
    progress.show("loading weights", done, total);
  };
  Result<LoadedModel> loaded = load_model(opened.file, std::move(opened.model), device, show);
  progress.finish();
  return loaded;
}

std::vector<TokenId> output_markers(const Tokenizer& tokenizer, std::string_view chat_template) {
  std::vector<TokenId> markers;
  for (const std::string_view text : detect_output_format(chat_template).markers()) {
    const std::optional<TokenId> id = tokenizer.find(text);
    if (id && !tokenizer.is_end_of_generation(*id)) markers.push_back(*id);
  }
  return markers;
}

TokenRules token_rules(const Tokenizer& tokenizer, bool go_on_after_end,
                       std::vector<TokenId> shown) {
  TokenRules rules{.tokens = tokenizer.vocab(), .end_tokens = {}};
  if (!go_on_after_end) rules.end_tokens = tokenizer.end_of_generation_ids();
  rules.bytes = [&tokenizer, shown = std::move(shown)](TokenId id) {
    if (tokenizer.is_end_of_generation(id)) return std::string();
    return tokenizer.piece(id, std::ranges::find(shown, id) != shown.end());
  };
  rules.encode = [&tokenizer](std::string_view text) {
    return tokenizer.encode(text, {.add_special = false});
  };
  return rules;
}

Status check_same_vocabulary(const gguf::Metadata& model, const gguf::Metadata& draft_model) {
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
  TROIKA_TRY(const std::vector<std::string_view> wanted, model.strings(kTokens));
  TROIKA_TRY(const std::vector<std::string_view> given, draft_model.strings(kTokens));
  if (given.size() < wanted.size())
    return fail(ErrorCode::invalid_argument,
                "the draft model has {} tokens and the model {}, wanted the same vocabulary",
                given.size(), wanted.size());
  const auto differ = std::ranges::mismatch(wanted, given).in1;
  if (differ == wanted.end()) return ok();
  const auto id = static_cast<size_t>(differ - wanted.begin());
  return fail(ErrorCode::invalid_argument,
              "token {} is \"{}\" in the draft model and \"{}\" in the model, wanted the same "
              "vocabulary",
              id, printable(given[id]), printable(wanted[id]));
}

Status ModelSession::open_draft_model(const SessionOptions& options) {
  const SpecType type = options.speculation.type;
  if (options.draft_model.empty()) {
    if (type != SpecType::model) return ok();
    return fail(ErrorCode::invalid_argument,
                "there is no draft model that could draft, wanted --model-draft, or --spec-type "
                "auto, ngram or none");
  }
  if (speculation_.type == SpecType::none) return ok();
  if (!allows(type, DraftClass::model))
    return fail(ErrorCode::invalid_argument,
                "a draft model is given that may not draft, wanted --spec-type auto, draft or "
                "combined");
  TROIKA_TRY(opened_draft_, open_model(options.draft_model, {.draft_head = false}));
  const Status same =
      check_same_vocabulary(opened_.file.metadata(), opened_draft_->file.metadata());
  if (same.ok()) return ok();
  return fail(same.error().code(), "{}: {}", options.draft_model, same.error().message());
}

Status ModelSession::plan_sharing(const SessionOptions& options) {
  const Model& model = opened_.model;
  const SharingOptions& sharing = options.sharing;
  const DType kv_dtype = size_.kv_dtype;
  size_.step_ms_max = sharing.step_ms_max;
  size_.spill_bytes = sharing.spill_bytes;
  if (sharing.kv_bytes > 0) {
    size_.pages = pages_in(model, kv_dtype, sharing.kv_bytes);
    if (size_.pages < 1 || size_.pages * kPageTokens < size_.tokens)
      return fail(ErrorCode::invalid_argument,
                  "{} of keys and values hold {} tokens, wanted room for the context of {}",
                  bytes_text(static_cast<double>(sharing.kv_bytes)), size_.pages * kPageTokens,
                  size_.tokens);
  }
  if (!options.cache.on) return ok();
  const StateOptions states{.kv_dtype = kv_dtype, .log_tokens = size_.draft_tokens_max};
  size_.cache = {
      .on = true,
      .pages = pages_in(model, kv_dtype, options.cache.bytes),
      .checkpoint_bytes = options.cache.checkpoints * Forward::checkpoint_bytes(model, states),
      .interval_tokens = options.cache.interval_tokens,
      .disk_folder = options.cache.disk_folder,
      .disk_bytes = options.cache.disk_bytes,
      .on_disk_warning = options.cache.on_disk_warning};
  return ok();
}

Result<std::unique_ptr<ModelSession>> ModelSession::open(const SessionOptions& options) {
  const SpeculationOptions& wanted = options.speculation;
  TROIKA_RETURN_IF_ERROR(validate(wanted, kDraftTokensMax));
  TROIKA_TRY(OpenModel opened,
             open_model(options.model.path, {.draft_head = allows(wanted.type, DraftClass::mtp),
                                             .hidden_rows = options.hidden_rows,
                                             .draft_rows = options.draft_rows}));
  TROIKA_TRY(std::unique_ptr<Tokenizer> tokenizer, Tokenizer::load(opened.file.metadata()));
  const ModelInfo& info = opened.model.info;
  if (wanted.type == SpecType::mtp && !info.draft_head)
    return fail(ErrorCode::invalid_argument,
                "{}: the model has no draft head, wanted --spec-type auto, ngram or none",
                options.model.path);
  std::unique_ptr<ModelSession> session(new ModelSession(std::move(opened), std::move(tokenizer)));
  ModelSession& s = *session;
  s.device_options_ = options.model.device;
  s.speculation_ = wanted;
  s.show_markers_ = options.show_markers;
  s.go_on_after_end_ = options.go_on_after_end;
  if (wanted.type == SpecType::none || wanted.depth_max == 0)
    s.speculation_ = {.type = SpecType::none, .depth_max = 0};
  s.size_ = {.tokens = context_tokens(options.context, s.info()),
             .sequences = options.sharing.sequences_max,
             .chunk_tokens = options.model.chunk_tokens,
             .draft_tokens_max = s.speculation_.depth_max,
             .kv_dtype = options.model.kv_dtype};
  TROIKA_RETURN_IF_ERROR(s.plan_sharing(options));
  TROIKA_RETURN_IF_ERROR(s.open_draft_model(options));
  return session;
}

Status ModelSession::check_prompt_fits(int64_t tokens) const {
  if (tokens < size_.tokens) return ok();
  return fail(ErrorCode::invalid_argument,
              "the prompt has {} tokens and the context {}, wanted a shorter prompt or a larger "
              "--ctx-size",
              tokens, size_.tokens);
}

Status ModelSession::load(Progress& progress) {
  std::vector<const gguf::File*> files = {&opened_.file};
  if (opened_draft_) files.push_back(&opened_draft_->file);
  TROIKA_TRY(device_, make_device(device_options_, files));
  const Model* draft_model = opened_draft_ ? &opened_draft_->model : nullptr;
  TROIKA_TRY(loaded_, load_weights(opened_, *device_, size_, progress, draft_model));
  if (opened_draft_) {
    TROIKA_TRY(loaded_draft_, import_weights(*opened_draft_, *device_, progress));
  }
  EngineOptions engine_options = size_.engine_options(size_.tokens);
  if (loaded_draft_) engine_options.draft_model = &*loaded_draft_;
  std::vector<TokenId> shown;
  if (show_markers_) {
    TROIKA_TRY(const std::string_view chat_template,
               opened_.file.metadata().string_or("tokenizer.chat_template", ""));
    shown = output_markers(*tokenizer_, chat_template);
  }
  TokenRules rules = token_rules(*tokenizer_, go_on_after_end_, std::move(shown));
  rules.model = model_fingerprint(opened_.file);
  TROIKA_TRY(engine_, Engine::make(*loaded_, engine_options, rules));
  return ok();
}

}  // namespace troika
