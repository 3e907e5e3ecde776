// The list of conversations: search, rename, delete (with a way back).

import {byId, h, icon, iconButton, saveFile, toast} from "./dom.js";
import {matches, titleOf} from "./store.js";

const kDayMs = 86400000;

export class Sidebar {
  /** @param app  {conversations, current(), rename(), remove(), restore(), start()} */
  constructor(app) {
    this.app = app;
    this.list = byId("conversations");
    byId("new-chat").append(icon("plus"));
    byId("new-chat").addEventListener("click", () => app.start());
    byId("search").addEventListener("input", () => this.render());
    byId("toggle-sidebar").append(icon("menu"));
    byId("toggle-sidebar").addEventListener("click", () => this.open(!this.isOpen()));
    byId("shade").addEventListener("click", () => this.open(false));
    byId("to-operator").prepend(icon("pulse"));
    byId("open-settings").prepend(icon("gear"));
  }

  isOpen() { return document.body.classList.contains("sidebar-open"); }

  /** On narrow screens it lies over the page. */
  open(open) {
    document.body.classList.toggle("sidebar-open", open);
    byId("toggle-sidebar").setAttribute("aria-expanded", String(open));
    byId("shade").hidden = !open;
    if (open) byId("search").focus();
  }

  render() {
    if (this.list.querySelector("input")) return;  // a title is being written
    const query = byId("search").value;
    const shown = this.app.conversations.filter((one) => one.leaf !== null && matches(one, query));
    const groups = new Map();
    for (const one of shown) {
      const age = ageOf(one.updated);
      if (!groups.has(age)) groups.set(age, []);
      groups.get(age).push(this.row(one));
    }
    const parts = [...groups].map(
      ([age, rows]) => h("div", {class: "group"}, h("h2", {}, age), h("ul", {}, rows)));
    const nothing = h("p", {class: "none"}, query ? "Nothing found" : "No conversations yet");
    this.list.replaceChildren(...(parts.length ? parts : [nothing]));
  }

  row(conversation) {
    const current = this.app.current() === conversation;
    const link = h("a", {
      href: `#c/${conversation.id}`,
      "aria-current": current ? "page" : null,
      title: titleOf(conversation),
      onclick: () => this.open(false)
    },
      titleOf(conversation));
    return h("li", {class: current ? "current" : ""}, link,
      iconButton("edit", "Rename", () => this.rename(conversation, link)),
      iconButton("trash", "Delete", () => this.remove(conversation)));
  }

  rename(conversation, link) {
    let done = false;
    const field =
      h("input", {".value": titleOf(conversation), "aria-label": "Title", maxlength: 120});
    const finish = (keep) => {
      if (done) return;
      done = true;
      if (keep && field.value.trim()) this.app.rename(conversation, field.value.trim());
      field.remove();
      this.render();
    };
    field.addEventListener("blur", () => finish(true));
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") finish(false);
    });
    link.replaceWith(field);
    field.select();
  }

  remove(conversation) {
    this.app.remove(conversation);
    toast(`Deleted "${titleOf(conversation)}"`);
    const line = byId("toasts").lastChild;
    line.insertBefore(h("button", {
      type: "button",
      class: "link",
      onclick: () => {
        this.app.restore(conversation);
        line.remove();
      }
    },
                        "Undo"),
      line.lastChild);
  }
}

function ageOf(time) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (time >= midnight) return "Today";
  if (time >= midnight - kDayMs) return "Yesterday";
  if (time >= midnight - 7 * kDayMs) return "Last seven days";
  return "Older";
}

/** A name for a file made of a title. */
export const fileName = (title) =>
  title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "conversation";

export function saveAll(conversations) {
  saveFile("troika-conversations.json", "application/json", JSON.stringify(conversations, null, 2));
}
