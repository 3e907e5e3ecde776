// What stands inside lines: emphasis, code, links. See markdown.js for slices and ranges.

import {h} from "./dom.js";

const kSearchMax = 4000;  // characters in which a mark must find its partner
const kDepthMax = 8;
const kAddress = /^https?:\/\/[^\s<>"'`]+/i;

// Joined slices, and where each character of them stood.
class Text {
  constructor(slices) {
    this.text = slices.map((slice) => slice.text).join("\n");
    this.starts = [];
    let position = 0;
    for (const slice of slices) {
      this.starts.push([position, slice.at]);
      position += slice.text.length + 1;
    }
  }

  // Pieces of [from, to) that are contiguous in the source, as [from, to, offset in the source].
  * pieces(from, to) {
    for (let i = 0; i < this.starts.length; i++) {
      const [begin, at] = this.starts[i];
      const end = this.starts[i + 1]?.[0] ?? this.text.length + 1;
      const first = Math.max(from, begin);
      const last = Math.min(to, end);
      if (first < last) yield [first, last, at + first - begin];
    }
  }
}

/** Nodes of a text that stood at `at`, with what falls into `ranges` tinted. */
export function textOf(text, at, ranges) {
  const nodes = [];
  let done = 0;
  for (const [from, to] of ranges) {
    const begin = Math.max(from - at, done);
    const end = Math.min(to - at, text.length);
    if (end <= begin) continue;
    if (begin > done) nodes.push(document.createTextNode(text.slice(done, begin)));
    nodes.push(h("span", {class: "drafted"}, text.slice(begin, end)));
    done = end;
  }
  if (done < text.length) nodes.push(document.createTextNode(text.slice(done)));
  return nodes;
}

function plain(source, from, to, ranges, out) {
  for (const [begin, end, at] of source.pieces(from, to)) {
    const lines = source.text.slice(begin, end).split("\n");
    let offset = at;
    lines.forEach((line, i) => {
      if (i > 0) out.push(h("br"));
      const shown = i + 1 < lines.length ? line.replace(/(?: {2,}|\\)$/, "") : line;
      out.push(...textOf(shown, offset, ranges));
      offset += line.length + 1;
    });
  }
}

/** The address, if it is one of http or https; else null. */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

const link = (address, ...children) =>
  h("a", {href: address, target: "_blank", rel: "noopener noreferrer"}, ...children);

// Each of these looks at `text[i]` and returns {from, to, end, wrap} (what is inside, where it goes
// on, what goes round it) or null.

function codeSpan(text, i) {
  if (text[i] !== "`") return null;
  const marks = /^`+/.exec(text.slice(i, i + 64))[0];
  for (let at = i + marks.length;;) {
    at = text.indexOf(marks, at);
    if (at < 0 || at - i > kSearchMax) return null;
    const run = /^`+/.exec(text.slice(at))[0];
    if (run.length === marks.length) {
      let [from, to] = [i + marks.length, at];
      if (text[from] === " " && text[to - 1] === " " && to - from > 2)
        [from, to] = [from + 1, to - 1];
      return {
        from,
        to,
        end: at + marks.length,
        verbatim: true,
        wrap: (inside) => h("code", {}, inside)
      };
    }
    at += run.length;
  }
}

const kEmphasis = [
  ["***", "strong", "em"], ["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"],
  ["_", "em"]
];
const isWord = (character) => /[\p{L}\p{N}]/u.test(character ?? " ");

function emphasis(text, i) {
  for (const [mark, tag, second] of kEmphasis) {
    if (!text.startsWith(mark, i) || /\s/.test(text[i + mark.length] ?? " ")) continue;
    if (mark[0] === "_" && isWord(text[i - 1])) continue;
    const end = closing(text, i + mark.length, mark);
    if (end < 0) continue;
    const wrap = (inside) => h(tag, {}, second ? h(second, {}, inside) : inside);
    return {from: i + mark.length, to: end, end: end + mark.length, wrap};
  }
  return null;
}

function closing(text, from, mark) {
  for (let at = from + 1; at < text.length && at - from < kSearchMax; at++) {
    if (text[at] === "\\")
      at++;
    else if (text[at] === "`")
      at = codeSpan(text, at)?.end - 1 || at;
    else if (text.startsWith(mark, at) && !/\s/.test(text[at - 1])) {
      const run = /^(.)\1*/.exec(text.slice(at, at + 8))[0].length;
      const open = mark.length === 1 && run === 2;  // of strong text inside
      if (open)
        at++;
      else if (mark[0] !== "_" || !isWord(text[at + mark.length]))
        return at + run - mark.length;
    }
  }
  return -1;
}

const kWords = /!?\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]/;
const kTarget = /\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"]*")?\s*\)/;
const kLink = new RegExp(`^${kWords.source}${kTarget.source}`);

function bracketed(text, i) {
  const image = text.startsWith("![", i);
  if (!image && text[i] !== "[") return null;
  const match = kLink.exec(text.slice(i, i + kSearchMax));
  const address = match && safeAddress(match[2]);
  if (!address) return null;
  const from = i + (image ? 2 : 1);
  // A picture would be a request to another server: its words lead there instead.
  return {
    from,
    to: from + match[1].length,
    end: i + match[0].length,
    wrap: (inside) => link(address, inside.length ? inside : match[2])
  };
}

function address(text, i) {
  const angled = text[i] === "<" ? /^<(https?:\/\/[^\s<>]+)>/i.exec(text.slice(i, i + 2000)) : null;
  if (angled) {
    const url = safeAddress(angled[1]);
    return url && {
      from: i + 1,
      to: i + 1 + angled[1].length,
      end: i + angled[0].length,
      verbatim: true,
      wrap: (inside) => link(url, inside)
    };
  }
  if (text[i] !== "h" || isWord(text[i - 1])) return null;
  const bare = kAddress.exec(text.slice(i, i + 2000))?.[0].replace(/[.,;:!?)\]*_~]+$/, "");
  const url = bare && safeAddress(bare);
  return url ? {
    from: i,
    to: i + bare.length,
    end: i + bare.length,
    verbatim: true,
    wrap: (inside) => link(url, inside)
  } :
               null;
}

const kReaders = [codeSpan, bracketed, address, emphasis];
const kSpecial = /[\\`*_~[!<h]/;

function range(source, from, to, ranges, depth) {
  const out = [];
  const text = source.text.slice(0, to);
  let done = from;
  for (let i = from; i < to; i++) {
    if (!kSpecial.test(text[i])) continue;
    if (text[i] === "\\" && /[!-/:-@[-`{-~]/.test(text[i + 1] ?? "")) {
      plain(source, done, i, ranges, out);
      done = ++i;
      continue;
    }
    let found = null;
    for (const reader of kReaders)
      if ((found = reader(text, i))) break;
    if (!found) {
      // A run of marks that opens nothing is looked at once, as a whole.
      if (/[*_~`]/.test(text[i]))
        while (text[i + 1] === text[i]) i++;
      continue;
    }
    plain(source, done, i, ranges, out);
    const inside = [];
    if (found.verbatim || depth >= kDepthMax)
      plain(source, found.from, found.to, ranges, inside);
    else
      inside.push(...range(source, found.from, found.to, ranges, depth + 1));
    out.push(found.wrap(inside));
    done = found.end;
    i = found.end - 1;
  }
  plain(source, done, to, ranges, out);
  return out;
}

/** The nodes of some lines of text. */
export function inline(slices, ranges) {
  const source = new Text(slices);
  return range(source, 0, source.text.length, ranges, 0);
}
