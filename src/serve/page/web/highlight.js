// Colours for code, by a table: what comments, strings and keywords look like in a language. It
// reads no grammar, so it is never far wrong and never slow.

const words = (text) => new Set(text.split(" "));
const kC =
  "auto bool break case catch char class const constexpr continue default delete do double else " +
  "enum explicit extern false final float for friend goto if inline int long namespace new " +
  "noexcept nullptr NULL operator override private protected public return short signed sizeof " +
  "static static_cast struct switch template this throw true try typedef typename union " +
  "unsigned using virtual void volatile while size_t int64_t int32_t uint8_t uint32_t uint64_t " +
  "co_await co_return concept requires";
const kJs =
  "abstract any as async await boolean break case catch class const continue default delete do " +
  "else enum export extends false finally for from function get if implements import in " +
  "instanceof interface let new null number of private protected public readonly return set " +
  "static string super switch this throw true try type typeof undefined var void while yield";
const kPython =
  "and as assert async await break class continue def del elif else except False finally for " +
  "from global if import in is lambda match None nonlocal not or pass raise return self True " +
  "try while with yield";
const kRust =
  "as async await bool break const continue crate dyn else enum extern f32 f64 false fn for i32 " +
  "i64 if impl in let loop match mod move mut pub ref return self Self static str String struct " +
  "super trait true type u8 u32 u64 unsafe use usize where while Some None Ok Err";
const kGo =
  "break case chan const continue default defer else error fallthrough false for func go goto " +
  "if import int int64 interface map nil package range return select string struct switch true " +
  "type var byte bool";
const kJava =
  "abstract boolean break byte case catch char class const continue default do double else enum " +
  "extends false final finally float for fun if implements import in instanceof int interface " +
  "internal is let long namespace new null object override package private protected public " +
  "record return short static string struct super switch this throw throws true try using val " +
  "var void when while guard func nil";
const kShell =
  "case do done elif else esac export fi for function if in local read return set shift then " +
  "until while echo cd exit source sudo";
const kSql =
  "add all alter and as asc begin between by case column commit constraint create cross default " +
  "delete desc distinct drop else end exists foreign from full group having if in index inner " +
  "insert into is join key left like limit not null offset on or order outer primary references " +
  "right rollback select set table then union unique update using values view when where with";
const kRuby =
  "alias and begin break case class def do else elsif end ensure false for if in module next " +
  "nil not or raise redo require rescue retry return self super then true unless until when " +
  "while yield puts";
const kLua =
  "and break do else elseif end false for function goto if in local nil not or repeat return " +
  "then true until while";

const kSlashes = "\\/\\/[^\\n]*|\\/\\*[\\s\\S]*?(?:\\*\\/|$)";
const kHash = "#[^\\n]*";
const kQuotes = `"(?:\\\\.|[^"\\\\\\n])*"?|'(?:\\\\.|[^'\\\\\\n])*'?`;
const kTicks = kQuotes + "|`(?:\\\\[\\s\\S]|[^`\\\\])*`?";
const kTriple = `"""[\\s\\S]*?(?:"""|$)|'''[\\s\\S]*?(?:'''|$)|` + kQuotes;
const kName = "[A-Za-z_$][\\w$]*";
const kNumber = "\\b(?:0[xXbBoO][\\da-fA-F_]+|\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)\\w*";

// {comment, string, name: sources of expressions; keywords; fold: names in any case}
const language = (comment, string, keywords, more = {}) =>
  ({comment, string, name: kName, keywords: words(keywords), ...more});
const kLanguages = {
  c: language(kSlashes, kQuotes, kC, {meta: "^[ \\t]*#[ \\t]*\\w+"}),
  js: language(kSlashes, kTicks, kJs),
  python: language(kHash, kTriple, kPython, {meta: "@[\\w.]+"}),
  rust: language(kSlashes, `"(?:\\\\.|[^"\\\\])*"?`, kRust, {meta: "#!?\\[[^\\]\\n]*\\]"}),
  go: language(kSlashes, kTicks, kGo),
  java: language(kSlashes, kTriple, kJava, {meta: "@\\w+"}),
  shell:
    language("(?<=^|\\s)#[^\\n]*", kQuotes, kShell, {meta: "\\$\\{?\\w+\\}?|(?<=\\s)--?[\\w-]+"}),
  sql: language("--[^\\n]*|\\/\\*[\\s\\S]*?(?:\\*\\/|$)", "'(?:''|[^'])*'?", kSql, {fold: true}),
  ruby: language(kHash, kTicks, kRuby, {meta: ":\\w+|@\\w+"}),
  lua: language("--\\[\\[[\\s\\S]*?(?:\\]\\]|$)|--[^\\n]*", kQuotes, kLua),
  json: language("(?!)", kQuotes, "true false null", {key: `"(?:\\\\.|[^"\\\\\\n])*"(?=\\s*:)`}),
  yaml: language("(?<=^|\\s)#[^\\n]*", kQuotes, "true false null yes no",
    {key: "^[ \\t-]*[\\w./-]+(?=:(?:\\s|$))"}),
  toml: language(kHash, kTriple, "true false",
    {key: "^[ \\t]*[\\w.-]+(?=\\s*=)", meta: "^[ \\t]*\\[[^\\n]*\\]"}),
  css: language("\\/\\*[\\s\\S]*?(?:\\*\\/|$)", kQuotes, "important",
    {key: "[\\w-]+(?=\\s*:[^{\\n]*[;\\n}])", meta: "@[\\w-]+|#[\\da-fA-F]{3,8}\\b"}),
  xml: language(
    "<!--[\\s\\S]*?(?:-->|$)", kQuotes, "", {key: "<\\/?[\\w:-]+|\\/?>", name: "[\\w:-]+"}),
  diff: language("^@@[^\\n]*|^(?:diff|index|---|\\+\\+\\+)[^\\n]*", "^\\+[^\\n]*", "",
    {meta: "^-[^\\n]*", name: "(?!)"}),
};
const kNames = {
  "c++": "c",
  cc: "c",
  cpp: "c",
  h: "c",
  hpp: "c",
  cuda: "c",
  glsl: "c",
  objc: "c",
  javascript: "js",
  jsx: "js",
  mjs: "js",
  node: "js",
  ts: "js",
  tsx: "js",
  typescript: "js",
  py: "python",
  python3: "python",
  rs: "rust",
  golang: "go",
  cs: "java",
  csharp: "java",
  "c#": "java",
  kotlin: "java",
  kt: "java",
  swift: "java",
  scala: "java",
  dart: "java",
  php: "js",
  bash: "shell",
  sh: "shell",
  zsh: "shell",
  console: "shell",
  dockerfile: "shell",
  makefile: "shell",
  postgresql: "sql",
  sqlite: "sql",
  mysql: "sql",
  rb: "ruby",
  jsonc: "json",
  json5: "json",
  yml: "yaml",
  ini: "toml",
  conf: "toml",
  scss: "css",
  html: "xml",
  svg: "xml",
  vue: "xml",
  patch: "diff",
};
const kTextMax = 200000;  // longer ones stay plain

function expressionOf(rules) {
  const groups = [
    ["comment", rules.comment], ["key", rules.key], ["meta", rules.meta], ["string", rules.string],
    ["number", kNumber], ["name", rules.name]
  ];
  const parts =
    groups.filter(([, source]) => source).map(([name, source]) => `(?<${name}>${source})`);
  return new RegExp(parts.join("|"), "gm");
}

/** The tokens of `text` that have a colour: {kind, from, to}, ascending. */
export function highlight(name, text) {
  const lower = name.toLowerCase();
  const rules = kLanguages[kNames[lower] ?? lower];
  if (!rules || text.length > kTextMax) return [];
  const tokens = [];
  for (const match of text.matchAll(expressionOf(rules))) {
    const kind = kindOf(match, rules, text);
    if (kind && match[0]) tokens.push({kind, from: match.index, to: match.index + match[0].length});
  }
  return tokens;
}

function kindOf(match, rules, text) {
  const {groups} = match;
  if (groups.name === undefined)
    return ["comment", "key", "meta", "string", "number"].find(
      (kind) => groups[kind] !== undefined);
  if (rules.keywords.has(rules.fold ? match[0].toLowerCase() : match[0])) return "keyword";
  return text[match.index + match[0].length] === "(" ? "call" : null;
}
