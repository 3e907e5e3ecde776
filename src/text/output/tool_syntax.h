// The table of formats: for each family its markers, how the head of a call is read, and what its
// arguments are written in. Source: chat templates as published with the models.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "text/output/output_format.h"
#include "text/output/output_tools.h"
#include "text/output/peek.h"

namespace troika {

struct ToolSyntax;

/// What stands before the arguments of a call.
struct CallHead {
  std::string name, id;
  std::optional<std::string> arguments;  // all of them, where they are known already
  bool member = false;                   // they are a member of an object that goes on behind them
  int32_t braces = 1;                    // objects that close behind them
  bool code = false;                     // they are program text to the end of the message
  bool python = false;                   // they are those of a Python call
};

/// Reads the head of a call, from a marker on to the first byte of the arguments.
using HeadReader = bool (*)(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool> tools,
                            CallHead& head);

/// What arguments are written in.
enum class ArgumentStyle : uint8_t { json, xml, gemma, python };

/// Arguments as elements, one for each parameter.
struct XmlSyntax {
  std::string_view open;         // before a parameter's name
  std::string_view name_end;     // behind it
  std::string_view value_open;   // before the value, with white space before it; may be empty
  std::string_view value_close;  // behind it
  std::string_view call_close;   // behind the last parameter
  bool newlines = false;         // one newline on each side of a value belongs to the tags
  bool typed = false;  // the name is followed by string="true"> or string="false">, which decides
};

/// How models of a family write calls, so that a grammar can hold them to it: readers take more.
/// In these texts line ends may be left out, but for one right behind the name, and spaces behind
/// ":", ",", ";" and "["; "#" is a number, "@" an id of nine letters and digits.
///
///   section begin NAME named ARGUMENTS id? end [between begin NAME named ARGUMENTS id? end]* close
struct CallForm {
  std::string_view section = {};  // before the first call; not where the prompt ends with it
  std::string_view begin = {};    // of a call, before its name
  std::string_view named = {};    // behind the name
  std::string_view id = {};       // behind the arguments, where the model has it so
  std::string_view end = {};
  std::string_view between = {};  // calls
  std::string_view close = {};    // behind the last call
};

struct ToolSyntax {
  OutputFamily family;
  std::string_view name;
  std::span<const std::string_view> openers;  // a call may begin here
  std::span<const std::string_view> closers;  // vanish behind a call, as white space does
  HeadReader head = nullptr;
  HeadReader next = nullptr;  // of a call that follows another without an opener
  ArgumentStyle style = ArgumentStyle::json;
  const XmlSyntax* xml = nullptr;
  bool certain = true;  // the openers stand nowhere but before calls: one cut off is not shown
  std::string_view bare = {};                        // an opener of which that is not so
  bool id_follows = false;                           // in lists: the id stands behind the arguments
  bool in_reasoning = false;                         // a call may begin in reasoning, and ends it
  bool whole_message = false;                        // only where no content came before
  std::span<const std::string_view> dropped = {};    // around content, not shown
  std::span<const std::string_view> inner = {};      // other markers, inside of calls
  std::span<const std::string_view> turn_ends = {};  // see OutputFormat
  std::span<const CallForm> forms = {};
  /// How every one of `forms` begins and text never does: where this stands, a call is held to
  /// them. Empty: text may begin like a call.
  std::string_view trigger = {};
};

/// The row of `family`.
const ToolSyntax& tool_syntax(OutputFamily family);

/// Behind the arguments that are a member of an object: reads to the object's end. An id found on
/// the way is put into `id`.
bool read_object_end(Peek& at, int32_t braces, std::string& id);

const OutputTool* find_tool(std::span<const OutputTool> tools, std::string_view name);

}  // namespace troika
