// A block of code: its language, a button that copies it, colours.

import {copyText, h, icon} from "./dom.js";
import {highlight} from "./highlight.js";
import {textOf} from "./inline.js";

/** @param lines  slices of the source, {text, at}. @param ranges  of the source, to tint. */
export function codeBlock(lines, language, ranges) {
  const code = h("code", {});
  const text = lines.map((line) => line.text).join("\n");
  const tokens = highlight(language, text);
  let position = 0;
  let next = 0;
  for (const line of lines) {
    const end = position + line.text.length;
    while (next < tokens.length && tokens[next].to <= position) next++;
    let done = position;
    for (let i = next; i < tokens.length && tokens[i].from < end; i++) {
      const from = Math.max(tokens[i].from, position);
      const to = Math.min(tokens[i].to, end);
      if (from > done) code.append(...piece(line, position, done, from, ranges));
      code.append(
        h("span", {class: `t-${tokens[i].kind}`}, piece(line, position, from, to, ranges)));
      done = to;
    }
    if (end > done) code.append(...piece(line, position, done, end, ranges));
    code.append("\n");
    position = end + 1;
  }
  const label = h("span", {}, "Copy");
  const copy = h("button", {
    type: "button",
    class: "copy",
    onclick: async () => {
      await copyText(text);
      label.textContent = "Copied";
      setTimeout(() => (label.textContent = "Copy"), 1500);
    }
  },
    icon("copy"), label);
  const head = h("div", {class: "code-head"}, h("span", {}, language || "text"), copy);
  return h("div", {class: "code"}, head, h("pre", {tabindex: "0"}, code));
}

const piece = (line, position, from, to, ranges) =>
  textOf(line.text.slice(from - position, to - position), line.at + from - position, ranges);
