// Elements made from values. Text becomes text nodes only: nothing here or elsewhere in the page
// parses markup.

/** An element: attributes by name, listeners by "on...", properties by ".name", then children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on"))
      element.addEventListener(name.slice(2), value);
    else if (name.startsWith("."))
      element[name.slice(1)] = value;
    else
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element of that id, which index.html has. */
export const byId = (id) => document.getElementById(id);

const kPaths = {
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  attach: "M19 11l-7.5 7.5a4.2 4.2 0 01-6-6L13 5a2.8 2.8 0 014 4l-7.5 7.5a1.4 1.4 0 01-2-2L14 8",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  redo: "M19 12a7 7 0 11-2.2-5.1M19 4v4h-4",
  edit: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12M10.5 11v5M13.5 11v5",
  left: "M14 7l-5 5 5 5",
  right: "M10 7l5 5-5 5",
  down: "M7 10l5 5 5-5",
  save: "M12 5v10M8 11l4 4 4-4M5 19h14",
  sun:
    "M12 8a4 4 0 100 8 4 4 0 000-8zM12 3v2M12 19v2M3 12h2M19 12h2" +
    "M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4",
  moon: "M19 14.5A7.5 7.5 0 019.5 5a7.5 7.5 0 109.5 9.5z",
  close: "M7 7l10 10M17 7L7 17",
  scale: "M12 5v14M8 19h8M5 8h14M5 8l-2.5 6h5zM19 8l-2.5 6h5z",
  gear: "M5 8h8M17 8h2M13 6v4M5 16h2M11 16h8M7 14v4",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  pause: "M9 7v10M15 7v10",
};

/** One of the page's drawings, in the colour of the text around it. */
export function icon(name) {
  const kSvg = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(kSvg, "svg");
  const attributes = {viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true"};
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(kSvg, "path");
  path.setAttribute("d", kPaths[name]);
  svg.append(path);
  return svg;
}

/** A button that shows a drawing and is named for those who do not see it. */
export function iconButton(name, label, onclick, attributes = {}) {
  const plain = {type: "button", class: "icon", title: label, "aria-label": label};
  return h("button", {...plain, ...attributes, onclick}, icon(name));
}

/** Shows a line for a while; errors stay longer. */
export function toast(text, kind = "note") {
  const line = h("div", {class: `toast ${kind}`}, text);
  line.append(iconButton("close", "Dismiss", () => line.remove()));
  byId("toasts").append(line);
  setTimeout(() => line.remove(), kind === "error" ? 12000 : 4000);
}

/** Says a line to screen readers. */
export function announce(text) { byId("announce").textContent = text; }

/** Hands `text` to the browser as a file. */
export function saveFile(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  h("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Copies `text`, also where the page came without TLS and the browser has no clipboard for it. */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h("textarea", {class: "unseen", ".value": text});
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
