// Turning a call's arguments into JSON text while they come, whatever they are written in.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/output/tool_syntax.h"
#include "text/output/unread.h"

namespace troika {

enum class Reading {
  more,   // of the text is needed
  done,   // the arguments are whole
  broken  // what comes does not belong to them: they end here
};

class ArgumentsReader {
 public:
  static constexpr size_t kHeldMax = 1 << 18;  // bytes of a value whose kind its end decides

  virtual ~ArgumentsReader() = default;
  /// Takes what belongs to the arguments and appends to `json` what is certain. What was appended
  /// is never taken back.
  virtual Reading read(Unread& unread, std::string& json) = 0;
};

/// JSON as it stands. A string that holds JSON is decoded; null is no arguments.
std::unique_ptr<ArgumentsReader> read_json_arguments();
/// Elements. `tool`: whose schema says what is text; null: nobody knows.
std::unique_ptr<ArgumentsReader> read_xml_arguments(const XmlSyntax& syntax,
                                                    const OutputTool* tool);
/// Gemma's notation: {k:<|"|>text<|"|>,n:1,o:{...},l:[...]}, from its brace on.
std::unique_ptr<ArgumentsReader> read_gemma_arguments();
/// k="v", n=1) of a Python call, up to its parenthesis; all at once.
std::unique_ptr<ArgumentsReader> read_python_arguments();
/// Everything to the end, as {"code": text}.
std::unique_ptr<ArgumentsReader> read_code_arguments();

}  // namespace troika
