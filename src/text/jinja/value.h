// The values of a template: Python's, as far as templates see them. Strings are shared and never
// change; what can change or hold itself (lists, dicts, namespaces, loops, functions) belongs to
// the Runtime of one render and is freed with it, so that no circle of values can leak.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troika::jinja {

struct Dict;
struct Function;
struct List;
struct Loop;
struct Namespace;

/// A string that many values share.
using Text = std::shared_ptr<const std::string>;

/// A Text with these bytes.
Text make_text(std::string bytes);

/// Stands for what is not there. It prints as nothing and is an error wherever it is worked with.
struct Undefined {
  Text name;              // what was looked for; null: nobody knows
  const char* owner = 0;  // the kind of thing that lacks it; null: a variable
};

struct None {};

/// The order is that of the variant below.
enum class Kind {
  undefined,
  none,
  boolean,
  integer,
  real,
  text,
  list,
  dict,
  space,
  loop,
  function
};

/// One value. Copies are cheap; pointers borrow from the Runtime.
class Value {
 public:
  Value() = default;
  Value(Undefined undefined) : data_(std::move(undefined)) {}  // NOLINT: conversions by design
  Value(None none) : data_(none) {}                            // NOLINT
  Value(Text text) : data_(std::move(text)) {}                 // NOLINT
  Value(List* list) : data_(list) {}                           // NOLINT
  Value(Dict* dict) : data_(dict) {}                           // NOLINT
  Value(Namespace* space) : data_(space) {}                    // NOLINT
  Value(Loop* loop) : data_(loop) {}                           // NOLINT
  Value(Function* function) : data_(function) {}               // NOLINT
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value integer(int64_t value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_undefined() const { return is(Kind::undefined); }

  /// Of a value of that kind.
  const Undefined& undefined() const { return std::get<Undefined>(data_); }
  bool boolean() const { return std::get<bool>(data_); }
  int64_t integer() const { return std::get<int64_t>(data_); }
  double real() const { return std::get<double>(data_); }
  const Text& shared_text() const { return std::get<Text>(data_); }
  const std::string& text() const { return *std::get<Text>(data_); }
  List& list() const { return *std::get<List*>(data_); }
  Dict& dict() const { return *std::get<Dict*>(data_); }
  Namespace& space() const { return *std::get<Namespace*>(data_); }
  Loop& loop() const { return *std::get<Loop*>(data_); }
  Function& function() const { return *std::get<Function*>(data_); }

  /// Booleans count as 0 and 1, as in Python.
  bool is_integer() const { return is(Kind::integer) || is(Kind::boolean); }
  bool is_number() const { return is_integer() || is(Kind::real); }
  int64_t to_integer() const { return is(Kind::boolean) ? boolean() : integer(); }
  double to_real() const { return is(Kind::real) ? real() : static_cast<double>(to_integer()); }

  /// Whether it counts as true in a condition.
  bool truth() const;

  /// As Python names the type: "str", "int", "list" …
  const char* type_name() const;

  /// As errors about attributes name the thing: "dict object", "None" …
  const char* object_name() const;

  /// Whether both are the same object, or the same simple value.
  bool same(const Value& other) const;

 private:
  using Data = std::variant<Undefined, None, bool, int64_t, double, Text, List*, Dict*, Namespace*,
                            Loop*, Function*>;
  explicit Value(Data data) : data_(std::move(data)) {}
  Data data_;
};

/// A list, or a tuple, which differs only in how it prints and compares.
struct List {
  std::vector<Value> items;
  bool is_tuple = false;
};

/// Pairs in the order in which they came.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;

  /// The value of a text key; null if there is none. Cost: O(entries).
  Value* find(std::string_view key);
};

/// What namespace() makes: variables that survive the block which sets them.
struct Namespace {
  Dict variables;
};

/// `loop` inside of a for.
struct Loop {
  std::vector<Value> items;  // emptied when the loop ends
  int64_t length = 0;
  int64_t index = 0;                // from 0
  std::vector<Value> last_changed;  // arguments of loop.changed()
};

struct MacroStatement;
struct Scope;

/// What can be called.
struct Function {
  Text name;
  Value self;                             // of a method: the value it was taken from
  const MacroStatement* macro = nullptr;  // of a macro
  Scope* scope = nullptr;                 // of a macro: where it was written
};

/// Variables of a block; names borrow from the template.
struct Scope {
  std::vector<std::pair<std::string_view, Value>> variables;
  Scope* parent = nullptr;
  bool captured = false;  // a macro keeps it

  void set(std::string_view name, Value value);
  /// The variable here or in a scope around; null if there is none.
  const Value* find(std::string_view name) const;
};

}  // namespace troika::jinja
