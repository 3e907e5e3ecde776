// Puts the page together: what is open follows the address (#c/<id>, #operator, or nothing).

import {getJson} from "./api.js";
import {Chat} from "./chat.js";
import {Composer} from "./composer.js";
import {byId, h, icon, saveFile, toast} from "./dom.js";
import {Operator} from "./operator.js";
import {Settings} from "./settings.js";
import {fileName, Sidebar} from "./sidebar.js";
import * as store from "./store.js";

class App {
  settings = store.loadSettings();
  conversations = [];
  models = [];
  chosen = "";

  async start() {
    const kept = await store.openStore();
    this.conversations = await store.loadConversations();
    this.chat = new Chat(this.chatHooks());
    this.composer = new Composer(this.chat, this);
    this.sidebar = new Sidebar({
      get conversations() { return app.conversations; },
      current: () => this.chat.conversation,
      rename: (one, title) => this.rename(one, title),
      remove: (one) => this.remove(one),
      restore: (one) => this.restore(one),
      start: () => this.startConversation(),
    });
    this.dialog = new Settings(this);
    this.operator = new Operator(byId("operator"), () => this.dialog.open());
    this.listen();
    this.route();
    if (!kept) toast("This browser keeps nothing: conversations end with this page.");
    await this.loadModels();
    document.body.dataset.ready = "true";
  }

  chatHooks() {
    const self = this;
    return {
      get settings() { return self.settings; },
      model: () => this.chosen,
      conversationChanged: (one) => this.conversationChanged(one),
      needsKey: () => this.dialog.open("This server wants a key."),
    };
  }

  listen() {
    addEventListener("hashchange", () => this.route());
    addEventListener("keydown", (event) => this.key(event));
    byId("export-chat").append(icon("save"));
    byId("export-chat").addEventListener("click", () => this.exportCurrent());
    byId("theme").addEventListener("click", () => this.switchTheme());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.showTheme());
    this.showTheme();
  }

  route() {
    const operator = location.hash === "#operator";
    byId("operator").hidden = !operator;
    byId("chat").hidden = operator;
    byId("export-chat").hidden = operator;
    document.body.classList.toggle("watching", operator);
    this.sidebar.open(false);
    if (operator) {
      byId("title").textContent = "Operator";
      this.operator.start();
      return this.sidebar.render();
    }
    this.operator.stop();
    const id = /^#c\/(\w+)$/.exec(location.hash)?.[1];
    const found = this.conversations.find((one) => one.id === id);
    if (id && !found) history.replaceState(null, "", location.pathname);
    if (found !== this.chat.conversation || !found)
      this.chat.show(found ?? store.newConversation());
    this.conversationChanged(this.chat.conversation);
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  startConversation() {
    this.sidebar.open(false);
    if (location.hash)
      location.hash = "";
    else
      this.route();
    this.composer.focus();
  }

  /** A conversation that has a message now belongs into the list and the address. */
  conversationChanged(conversation) {
    if (this.chat?.conversation !== conversation) return;
    if (conversation.leaf !== null && !this.conversations.includes(conversation)) {
      this.conversations.unshift(conversation);
      history.pushState(null, "", `#c/${conversation.id}`);
    }
    if (location.hash !== "#operator") {
      byId("title").textContent = store.titleOf(conversation);
      document.title = conversation.title ? `${conversation.title} - Troika` : "Troika";
    }
    this.conversations.sort((a, b) => b.updated - a.updated);
    this.sidebar.render();
    this.composer?.update();
  }

  rename(conversation, title) {
    conversation.title = title;
    store.saveConversation(conversation);
    this.conversationChanged(this.chat.conversation);
  }

  remove(conversation) {
    this.conversations.splice(this.conversations.indexOf(conversation), 1);
    store.deleteConversation(conversation.id);
    if (this.chat.conversation === conversation) {
      this.chat.stop();
      location.hash = "";
    }
    this.sidebar.render();
  }

  restore(conversation) {
    this.conversations.push(conversation);
    store.saveConversation(conversation);
    location.hash = `#c/${conversation.id}`;
    this.sidebar.render();
  }

  removeAll() {
    for (const one of this.conversations.splice(0)) store.deleteConversation(one.id);
    this.startConversation();
    this.sidebar.render();
  }

  settingsChanged() {
    store.saveSettings(this.settings);
    this.composer.update();
    this.loadModels();
    this.operator.restart();
  }

  async loadModels() {
    try {
      const {data = []} = await getJson("v1/models", this.settings.key);
      this.models = data.map((model) => model.id);
      if (!this.models.includes(this.chosen)) this.chosen = this.models[0] ?? "";
      this.showModels();
    } catch (error) {
      // The admin listener has no models, and that is no mistake.
      if (error.status === 401)
        this.dialog.open("This server wants a key.");
      else if (error.status !== 404)
        byId("model").replaceChildren(error.message);
    }
  }

  showModels() {
    const choice =
      h("select", {"aria-label": "Model", onchange: () => (this.chosen = choice.value)},
        this.models.map((id) => h("option", {value: id, selected: id === this.chosen}, id)));
    byId("model").replaceChildren(this.models.length > 1 ? choice : this.chosen);
    if (this.chat.conversation?.leaf === null) this.chat.render();
  }

  key(event) {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName);
    if (event.key === "Escape" && !byId("settings").open) {
      if (this.chat.running)
        this.chat.stop();
      else
        this.sidebar.open(false);
    } else if (event.key === "/" && !typing && !byId("settings").open) {
      event.preventDefault();
      this.composer.focus();
    } else if (event.key.toLowerCase() === "o" && event.ctrlKey && event.shiftKey) {
      event.preventDefault();
      this.startConversation();
    }
  }

  exportCurrent() {
    const {conversation} = this.chat;
    if (conversation.leaf === null) return toast("There is nothing to export yet.");
    const name = `${fileName(store.titleOf(conversation))}.md`;
    saveFile(name, "text/markdown", store.asMarkdown(conversation));
  }

  isDark() { return document.documentElement.dataset.theme === "dark"; }

  switchTheme() {
    const theme = this.isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("troika.theme", theme);
    } catch {
      // until the page is closed, then
    }
    this.showTheme();
  }

  showTheme() {
    const label = this.isDark() ? "Light colours" : "Dark colours";
    byId("theme").replaceChildren(icon(this.isDark() ? "sun" : "moon"));
    byId("theme").setAttribute("aria-label", label);
    byId("theme").title = label;
    this.operator.redraw();
  }
}

const app = new App();
app.start();
