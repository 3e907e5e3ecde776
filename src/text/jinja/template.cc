#include "text/jinja/template.h"

#include "text/jinja/ast.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"
#include "text/jinja/runtime.h"
#include "text/jinja/token.h"

namespace troika::jinja {

struct ParsedTemplate {
  Block block;
};

Result<Template> Template::parse(std::string_view source) {
  TROIKA_TRY(std::vector<Token> tokens, tokenize(source));
  TROIKA_TRY(Block block, Parser(std::move(tokens)).parse());
  return Template(std::make_shared<const ParsedTemplate>(ParsedTemplate{std::move(block)}));
}

Result<std::string> Template::render(const nlohmann::ordered_json& variables, const Limits& limits,
                                     const std::tm& now) const {
  if (!variables.is_object())
    return fail(ErrorCode::invalid_argument, "variables of a template are no object");
  Runtime runtime(limits, now);
  return Interpreter(runtime, variables).render(parsed_->block);
}

}  // namespace troika::jinja
