// The settings dialog. What is set is kept in this browser; the admin key as long as the tab.

import {byId, h, iconButton, toast} from "./dom.js";
import {saveAll} from "./sidebar.js";
import {adminKey, saveSettings} from "./store.js";

const field = (label, control, note) => {
  const text = h("span", {class: "label"}, label);
  return h("label", {}, text, control, note ? h("small", {}, note) : null);
};

export class Settings {
  /** @param app  {settings, settingsChanged(), conversations, removeAll()} */
  constructor(app) {
    this.app = app;
    this.dialog = byId("settings");
    byId("open-settings").addEventListener("click", () => this.open());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  /** @param problem  a line on top; the field for the key has the focus then. */
  open(problem = "") {
    if (this.dialog.open) this.dialog.close();
    const {settings} = this.app;
    const input = (name, attributes) =>
      h("input", {name, ".value": settings[name], autocomplete: "off", ...attributes});
    const form = h("form", {method: "dialog", onsubmit: (event) => this.save(event)},
      h("header", {}, h("h2", {id: "settings-title", tabindex: -1, autofocus: true}, "Settings"),
        iconButton("close", "Close", () => this.dialog.close())),
      problem ? h("p", {class: "problem", role: "alert"}, problem) : null,
      h("div", {class: "fields"},
        field("Key", input("key", {type: "password", placeholder: "trk_..."}),
          "Kept in this browser. A server without tenants wants none."),
        field("System prompt", h("textarea", {name: "system", rows: 3, ".value": settings.system})),
        h("div", {class: "pair"},
          field("Temperature",
            input("temperature",
              {type: "number", min: 0, max: 2, step: 0.05, placeholder: "server's"})),
          field("Longest answer",
            input("maxTokens", {type: "number", min: 1, step: 1, placeholder: "tokens"})),
          field("Seed", input("seed", {type: "number", min: 0, step: 1, placeholder: "random"}))),
        h("div", {class: "pair"}, field("Drafts", this.draftChoice()),
          field("At most", input("draftsMax", {type: "number", min: 1, max: 32, step: 1}))),
        field("Tools", h("textarea", {
          name: "tools",
          rows: 3,
          class: "mono",
          spellcheck: "false",
          ".value": settings.tools,
          placeholder: "[{\"type\": \"function\", \"function\": {\"name\": ...}}]"
        }),
          "JSON as in the API. The page shows calls; you write their results."),
        field("Admin key",
          h("input",
            {name: "admin", type: "password", autocomplete: "off", ".value": adminKey.get()}),
          "For the operator's view. Forgotten with this tab.")),
      h("footer", {},
        h("button", {type: "button", onclick: () => saveAll(this.app.conversations)}, "Export all"),
        h("button",
          {type: "button", class: "danger", onclick: (event) => this.removeAll(event.target)},
          "Delete all"),
        h("span", {class: "space"}), h("button", {type: "submit", class: "primary"}, "Save")));
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
    if (problem) form.elements.key.focus();
  }

  draftChoice() {
    const choices = [["server", "As the server has it"], ["bound", "A bound"], ["off", "Off"]];
    return h("select", {name: "drafts"}, choices.map(([value,
      text]) => h("option", {value, selected: this.app.settings.drafts === value}, text)));
  }

  save(event) {
    const {elements} = event.target;
    try {
      if (elements.tools.value.trim() && !Array.isArray(JSON.parse(elements.tools.value)))
        throw new Error("a list is wanted");
    } catch (error) {
      event.preventDefault();
      elements.tools.setCustomValidity(`Tools: ${error.message}`);
      elements.tools.reportValidity();
      elements.tools.addEventListener(
        "input", () => elements.tools.setCustomValidity(""), {once: true});
      return;
    }
    for (const name
           of ["key", "system", "temperature", "maxTokens", "seed", "drafts", "draftsMax", "tools"])
      this.app.settings[name] = elements[name].value;
    adminKey.set(elements.admin.value);
    saveSettings(this.app.settings);
    this.app.settingsChanged();
  }

  // The second press within some seconds does it.
  removeAll(button) {
    if (button.dataset.sure) {
      this.app.removeAll();
      this.dialog.close();
      toast("All conversations are deleted");
      return;
    }
    button.dataset.sure = "1";
    button.textContent = "Really delete all";
    setTimeout(() => {
      delete button.dataset.sure;
      button.textContent = "Delete all";
    }, 4000);
  }
}
