#include "text/output/output_parser.h"

#include <utility>

#include "core/check.h"
#include "text/output/output_reader.h"

namespace troika {
namespace {

std::unique_ptr<OutputReader> make_reader(const ReaderContext& context) {
  if (context.format.family == OutputFamily::harmony) return read_harmony_output(context);
  if (context.format.family == OutputFamily::functionary) return read_functionary_output(context);
  return read_marked_output(context);
}

}  // namespace

struct OutputParser::State {
  State(const OutputFormat& given_format, OutputParserOptions given_options)
      : format(given_format),
        options(std::move(given_options)),
        sink({.reasoning = options.reasoning_format,
              .id_seed = options.id_seed,
              .short_ids = format.family == OutputFamily::mistral}),
        reader(make_reader({format, options})) {}

  void run() {
    while (reader->step(unread, sink)) {
    }
  }

  OutputFormat format;
  OutputParserOptions options;
  Unread unread;
  OutputSink sink;
  std::unique_ptr<OutputReader> reader;
};

OutputParser::OutputParser(const OutputFormat& format, OutputParserOptions options)
    : state_(std::make_unique<State>(format, std::move(options))) {
  state_->run();  // as far as the prompt tells
}
OutputParser::OutputParser(OutputParser&&) noexcept = default;
OutputParser& OutputParser::operator=(OutputParser&&) noexcept = default;
OutputParser::~OutputParser() = default;

std::span<const OutputEvent> OutputParser::feed(std::string_view text) {
  TROIKA_CHECK(!state_->unread.ended());
  state_->sink.clear_events();
  state_->unread.append(text);
  state_->run();
  return state_->sink.events();
}

std::span<const OutputEvent> OutputParser::finish() {
  state_->sink.clear_events();
  if (state_->unread.ended()) return {};
  state_->unread.end();
  state_->run();
  state_->sink.finish();
  return state_->sink.events();
}

const OutputMessage& OutputParser::message() const {
  return state_->sink.message();
}

OutputPhase OutputParser::phase() const {
  return state_->reader->phase();
}

}  // namespace troika
