// Markdown as models write it, into nodes: headings, lists, tables, quotes, fences, rules; inside
// lines emphasis, code and links. What is not understood stands there as it was written.
//
// Every piece of text knows where it stood in the source, so that ranges of the source (accepted
// drafts) can be tinted whatever structure they fall into. A line is {text, at}: a slice of the
// source and its offset. Inline text is a list of such slices, joined by line ends.

import {h} from "./dom.js";
import {inline, textOf} from "./inline.js";
import {codeBlock} from "./code_block.js";

const kDepthMax = 12;  // of quotes and lists inside each other; deeper ones are text
const kFence = /^( {0,3})(`{3,}|~{3,})[ \t]*([^`]*)$/;
const kHeading = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const kRule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const kQuote = /^ {0,3}> ?/;
const kItem = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const kTableRule = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

const isBlank = (line) => line.text.trim() === "";
const cut = (line, count) => ({text: line.text.slice(count), at: line.at + count});
const indentOf = (text) => text.length - text.trimStart().length;

function linesOf(source) {
  let at = 0;
  return source.split("\n").map((text) => {
    const line = {text, at};
    at += text.length + 1;
    return line;
  });
}

function isTable(lines, i) {
  return lines[i].text.includes("|") && i + 1 < lines.length && lines[i + 1].text.includes("-") &&
    kTableRule.test(lines[i + 1].text) && cellsOf(lines[i]).length === cellsOf(lines[i + 1]).length;
}

function beginsBlock(lines, i) {
  const {text} = lines[i];
  return kFence.test(text) || kHeading.test(text) || kRule.test(text) || kQuote.test(text) ||
    (kItem.test(text) && text.trim().length > 1) || isTable(lines, i);
}

// Readers of one kind of block: they look at lines[i] and return {end, render} or null.

function fence(lines, i) {
  const match = kFence.exec(lines[i].text);
  if (!match) return null;
  const [, indent, marks, info] = match;
  const closing = new RegExp(`^ {0,3}\\${marks[0]}{${marks.length},}[ \\t]*$`);
  let end = i + 1;
  while (end < lines.length && !closing.test(lines[end].text)) end++;
  const inside =
    lines.slice(i + 1, end).map((line) => cut(line, Math.min(indent.length, indentOf(line.text))));
  const language = info.trim().split(/\s+/)[0] ?? "";
  return {
    end: Math.min(end + 1, lines.length),
    render: (marked) => codeBlock(inside, language, marked)
  };
}

function heading(lines, i) {
  const match = kHeading.exec(lines[i].text);
  if (!match) return null;
  const line = cut(lines[i], match[0].length);
  line.text = line.text.replace(/[ \t]+#+[ \t]*$/, "");
  // The page has its own first heading: those of an answer begin below it.
  const level = Math.min(6, match[1].length + 1);
  return {end: i + 1, render: (marked) => h(`h${level}`, {}, inline([line], marked))};
}

const rule = (lines, i) => kRule.test(lines[i].text) ? {end: i + 1, render: () => h("hr")} : null;

function quote(lines, i, depth) {
  if (!kQuote.test(lines[i].text) || depth >= kDepthMax) return null;
  let end = i;
  const inside = [];
  while (end < lines.length && kQuote.test(lines[end].text)) {
    inside.push(cut(lines[end], kQuote.exec(lines[end].text)[0].length));
    end++;
  }
  return {end, render: (marked) => h("blockquote", {}, renderAll(inside, marked, depth + 1))};
}

function cellsOf(line) {
  const cells = [];
  let begin = indentOf(line.text);
  if (line.text[begin] === "|") begin++;
  let code = false;
  for (let i = begin; i <= line.text.length; i++) {
    if (line.text[i] === "\\")
      i++;
    else if (line.text[i] === "`")
      code = !code;
    else if (i === line.text.length || (line.text[i] === "|" && !code)) {
      const raw = line.text.slice(begin, i);
      if (i < line.text.length || raw.trim()) {
        const trimmed = cut(line, begin + indentOf(raw));
        cells.push({text: raw.trim(), at: trimmed.at});
      }
      begin = i + 1;
    }
  }
  return cells;
}

function table(lines, i) {
  if (!isTable(lines, i)) return null;
  const sides =
    cellsOf(lines[i + 1])
      .map(({text}) => text.endsWith(":") ? (text.startsWith(":") ? "center" : "right") : "left");
  let end = i + 2;
  while (end < lines.length && !isBlank(lines[end]) && lines[end].text.includes("|")) end++;
  const row = (line, tag, marked) => {
    const cells = cellsOf(line);
    return h("tr", {},
      sides.map((side, column) =>
                  h(tag, {class: side}, cells[column] ? inline([cells[column]], marked) : null)));
  };
  const render = (marked) => h("div", {class: "table", tabindex: "0"},
    h("table", {}, h("thead", {}, row(lines[i], "th", marked)),
      h("tbody", {}, lines.slice(i + 2, end).map((line) => row(line, "td", marked)))));
  return {end, render};
}

// The lines of one item from lines[i], without its marker and indent; and whether blanks part it.
function item(lines, i, marker) {
  const spaces = marker[3].length > 4 || marker[3].length === 0 ? 1 : marker[3].length;
  const indent = marker[1].length + marker[2].length + spaces;
  const inside = [cut(lines[i], Math.min(indent, lines[i].text.length))];
  let end = i + 1;
  for (; end < lines.length; end++) {
    if (isBlank(lines[end])) {
      const next = lines.slice(end).find((line) => !isBlank(line));
      if (!next || indentOf(next.text) < indent) break;
      inside.push(cut(lines[end], lines[end].text.length));
    } else if (indentOf(lines[end].text) >= indent)
      inside.push(cut(lines[end], indent));
    else if (isBlank(lines[end - 1]) || beginsBlock(lines, end))
      break;
    else
      inside.push(lines[end]);
  }
  while (inside.length > 1 && isBlank(inside[inside.length - 1])) inside.pop();
  return {inside, end};
}

function list(lines, i, depth) {
  const first = kItem.exec(lines[i].text);
  if (!first || depth >= kDepthMax || kRule.test(lines[i].text)) return null;
  const kind = first[2].slice(-1);
  const items = [];
  let loose = false;
  let end = i;
  for (;;) {
    const marker = end < lines.length ? kItem.exec(lines[end].text) : null;
    if (!marker || marker[2].slice(-1) !== kind || kRule.test(lines[end].text)) break;
    const next = item(lines, end, marker);
    items.push(next.inside);
    loose ||= next.inside.some(isBlank) && next.inside.length > 1;
    end = next.end;
    let after = end;
    while (after < lines.length && isBlank(lines[after])) after++;
    if (after === end || after === lines.length) continue;
    const following = kItem.exec(lines[after].text);
    if (!following || following[2].slice(-1) !== kind) break;
    loose = true;
    end = after;
  }
  const ordered = /\d/.test(first[2]);
  const start =
    ordered && Number.parseInt(first[2], 10) !== 1 ? Number.parseInt(first[2], 10) : null;
  const render = (marked) => h(ordered ? "ol" : "ul", {start, class: loose ? "loose" : "tight"},
    items.map((inside) => listItem(inside, marked, depth, loose)));
  return {end, render};
}

function listItem(inside, marked, depth, loose) {
  const task = /^\[([ xX])\] +/.exec(inside[0].text);
  if (!task) return h("li", {}, renderAll(inside, marked, depth + 1, !loose));
  const lines = [cut(inside[0], task[0].length), ...inside.slice(1)];
  const box = h("input", {type: "checkbox", disabled: true, checked: task[1] !== " "});
  return h("li", {class: "task"}, box, renderAll(lines, marked, depth + 1, !loose));
}

function indentedCode(lines, i) {
  if (!/^ {4}/.test(lines[i].text)) return null;
  let end = i;
  while (end < lines.length && (/^ {4}/.test(lines[end].text) || isBlank(lines[end]))) end++;
  while (isBlank(lines[end - 1])) end--;
  const inside = lines.slice(i, end).map((line) => cut(line, Math.min(4, line.text.length)));
  return {end, render: (marked) => codeBlock(inside, "", marked)};
}

function paragraph(lines, i, depth, tight) {
  let end = i + 1;
  while (end < lines.length && !isBlank(lines[end]) && !beginsBlock(lines, end)) end++;
  const inside = lines.slice(i, end).map((line) => cut(line, indentOf(line.text)));
  const render = (marked) => tight ? inline(inside, marked) : h("p", {}, inline(inside, marked));
  return {end, render};
}

const kReaders = [fence, heading, rule, quote, table, list, indentedCode, paragraph];

function* blocksOf(lines, depth, tight) {
  for (let i = 0; i < lines.length;) {
    if (isBlank(lines[i])) {
      i++;
      continue;
    }
    let block = null;
    for (const reader of kReaders)
      if ((block = reader(lines, i, depth, tight))) break;
    yield {begin: i, ...block};
    i = block.end;
  }
}

function renderAll(lines, marked, depth, tight = false) {
  return [...blocksOf(lines, depth, tight)].flatMap((block) => block.render(marked));
}

/**
 * Shows a growing source in `parent`: blocks that did not change keep their elements, so that
 * selections and scroll positions inside them survive.
 */
export class MarkdownView {
  constructor(parent) {
    this.parent = parent;
    this.shown = [];  // {key, element} of each block
  }

  /** @param ranges  [from, to) of the source to tint, ascending. */
  update(source, ranges = []) {
    const lines = linesOf(source);
    let index = 0;
    for (const block of blocksOf(lines, 0, false)) {
      const from = lines[block.begin].at;
      const last = lines[block.end - 1];
      const to = last.at + last.text.length;
      const inside = ranges.filter((range) => range[0] < to && range[1] > from);
      const key = `${from}:${source.slice(from, to)}:${inside}`;
      if (this.shown[index]?.key !== key) this.replace(index, key, block.render(inside));
      index++;
    }
    for (const {element} of this.shown.splice(index)) element.remove();
  }

  replace(index, key, element) {
    if (this.shown[index])
      this.shown[index].element.replaceWith(element);
    else
      this.parent.append(element);
    this.shown[index] = {key, element};
  }
}

export {textOf};
