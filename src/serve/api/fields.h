// Reads the fields of a request's JSON, each with its type and its range. The first that is wrong
// becomes the refusal, with its name; what is read after that changes nothing any more.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/accounts/refusal.h"
#include "serve/http/json.h"

namespace troika::serve {

/// A field that is absent or null leaves its target as it was.
class Fields {
 public:
  /// @param object  borrowed. @param refusal  gets the first problem; borrowed, shared by all that
  ///   read one request. @param path  what stands before names in messages: "messages[2]."
  Fields(const Json& object, std::optional<Refusal>& refusal, std::string path = {});

  /// The value of a field; null: absent or JSON's null.
  const Json* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }

  void read(std::string_view name, bool& value);
  void read(std::string_view name, std::string& value);
  void read(std::string_view name, int64_t& value, int64_t min, int64_t max);
  void read(std::string_view name, int32_t& value, int32_t min, int32_t max);
  void read(std::string_view name, double& value, double min, double max);
  /// One of `choices`.
  void read_choice(std::string_view name, std::string& value,
                   std::initializer_list<std::string_view> choices);
  /// A string, or a list of at most `count_max`.
  void read_strings(std::string_view name, std::vector<std::string>& values, size_t count_max);
  /// Null where it is absent, or refused because it is something else.
  const Json* object(std::string_view name);
  const Json* list(std::string_view name);
  /// As list() and string; refused where absent.
  const Json* wanted_list(std::string_view name);
  std::string wanted_string(std::string_view name);

  /// Refuses because of `name`, unless something was refused before.
  void refuse(std::string_view name, std::string message);
  /// The same for a value of another type than wanted.
  void refuse_kind(std::string_view name, const Json& value, std::string_view wanted);
  bool refused() const { return refusal_.has_value(); }
  std::optional<Refusal>& refusal() { return refusal_; }
  std::string path_of(std::string_view name) const { return path_ + std::string(name); }

 private:
  const Json& object_;
  std::optional<Refusal>& refusal_;
  std::string path_;
};

}  // namespace troika::serve
