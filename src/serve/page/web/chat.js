// The conversation on the screen: asks, shows, stops, branches off.

import {requestFor} from "./api.js";
import {announce, byId, h, icon, toast} from "./dom.js";
import {messageView} from "./message.js";
import {Run} from "./run.js";
import * as store from "./store.js";

const kNearEnd = 80;   // pixels from the end at which new text keeps the end in view
const kSaveMs = 1500;  // while an answer is written

export class Chat {
  /** @param app  {settings, models, model(), conversationChanged(conversation), needsKey()} */
  constructor(app) {
    this.app = app;
    this.conversation = null;
    this.views = new Map();  // of the messages on the screen, by node id
    this.runs = new Map();   // by conversation id
    this.list = byId("messages");
    this.follows = true;
    this.list.addEventListener("scroll", () => this.scrolled());
    byId("to-end").append(icon("down"));
    byId("to-end").addEventListener("click", () => this.toEnd());
    addEventListener("pagehide", () => this.runs.forEach((run) => run.save()));
  }

  get running() { return this.conversation !== null && this.runs.has(this.conversation.id); }

  show(conversation) {
    this.conversation = conversation;
    this.views.clear();
    this.list.replaceChildren();
    this.render();
    this.toEnd();
  }

  /** Lays the present branch out; messages that are there already stay as they are. */
  render() {
    const path = store.pathOf(this.conversation);
    const keep = new Set(path.map((node) => node.id));
    for (const [id, view] of this.views)
      if (!keep.has(id)) {
        view.element.remove();
        this.views.delete(id);
      }
    this.list.querySelector(".empty")?.remove();
    if (path.length === 0) this.list.append(this.welcome());
    for (const node of path) {
      const siblings = store.siblingsOf(this.conversation, node);
      let view = this.views.get(node.id);
      if (!view || view.branches !== siblings.length) {
        const fresh = messageView(node, siblings, this.actions());
        fresh.branches = siblings.length;
        if (view) view.element.replaceWith(fresh.element);
        view = fresh;
        this.views.set(node.id, view);
      }
      this.list.append(view.element);
      view.update();
    }
    this.app.conversationChanged(this.conversation);
  }

  welcome() {
    const key = (text, use) => h("span", {}, h("kbd", {}, text), ` ${use}`);
    return h("div", {class: "empty"},
      h("img", {src: "page/icon.svg", alt: "", width: 44, height: 44}),
      h("p", {class: "lead"}, this.app.model() || "Troika"),
      h("p", {}, "What you write stays between this browser and this server."),
      h("p", {class: "keys"}, key("/", "write"), key("Esc", "stop"),
        key("↑", "edit the last question")));
  }

  actions() {
    return {
      regenerate: (node, withoutDrafts) => this.regenerate(node, withoutDrafts),
      edit: (node, text) => this.edit(node, text),
      branch: (node) => this.branch(node),
      answerTool: (node, results) => this.answerTool(node, results),
      isLast: (node) => this.conversation.leaf === node.id,
      showsDrafts: () => this.app.settings.showDrafts,
    };
  }

  /** Asks. Returns whether it could. */
  send(text, attachments) {
    if (this.running || (!text.trim() && attachments.length === 0)) return false;
    const node = store.addMessage(
      this.conversation, this.conversation.leaf, {role: "user", content: text, attachments});
    if (!this.conversation.title) this.conversation.title = titleFrom(text || attachments[0].name);
    this.follows = true;
    this.answer(node.id);
    return true;
  }

  regenerate(node, withoutDrafts = false) {
    if (this.running) return;
    // Without drafts the same seed must give the same text; otherwise another one is wanted.
    this.answer(node.parent, withoutDrafts ? {seed: node.seed, withoutDrafts} : {});
  }

  edit(node, text) {
    if (this.running) return;
    const fresh = store.addMessage(
      this.conversation, node.parent, {role: "user", content: text, attachments: node.attachments});
    this.answer(fresh.id);
  }

  branch(node) {
    if (this.running) return;
    store.enterBranch(this.conversation, node);
    this.render();
    store.saveConversation(this.conversation);
  }

  answerTool(node, results) {
    if (this.running) return;
    let parent = node.id;
    node.toolCalls.forEach((call, i) => {
      parent =
        store
          .addMessage(this.conversation, parent,
            {role: "tool", content: results[i], toolCallId: call.id, name: call.function.name})
          .id;
    });
    this.answer(parent);
  }

  stop() { this.runs.get(this.conversation?.id)?.stop(); }

  async answer(parent, {seed = null, withoutDrafts = false} = {}) {
    const {conversation, app} = this;
    const {settings} = app;
    const chosen = seed ?? (settings.seed === "" ? store.randomNumber() : Number(settings.seed));
    const node = store.addMessage(conversation, parent,
      {role: "assistant", content: "", seed: chosen, withoutDrafts, model: app.model()});
    const path = store.pathOf(conversation).slice(0, -1);
    let request;
    try {
      request = requestFor(path, settings, {model: app.model(), seed: chosen, withoutDrafts});
    } catch (error) {
      Object.assign(node, {totalMs: 0, error: `Settings, tools: ${error.message}`});
      return this.render();
    }
    const run = this.begin(conversation, node, request);
    this.render();
    await run.start();
    this.finish(conversation, node, run);
  }

  begin(conversation, node, request) {
    let saved = 0;
    let drawn = false;
    const draw = () => {
      drawn = false;
      if (this.conversation === conversation) this.views.get(node.id)?.update();
      if (this.conversation === conversation && this.follows) this.toEnd();
    };
    const run = new Run(node, request, this.app.settings.key, () => {
      if (!drawn) requestAnimationFrame(draw);
      drawn = true;
      if (performance.now() - saved > kSaveMs) run.save();
    });
    run.save = () => {
      saved = performance.now();
      conversation.updated = Date.now();
      // What was written so far is there after a reload, and known to be a part.
      const copy = structuredClone(conversation);
      const kept = copy.nodes[node.id];
      if (kept.began !== undefined) {
        kept.totalMs = performance.now() - kept.began;
        kept.finish = "stopped";
        delete kept.began;
      }
      store.saveConversation(copy).catch((error) => toast(`Not kept: ${error.message}`, "error"));
    };
    this.runs.set(conversation.id, run);
    run.save();
    return run;
  }

  finish(conversation, node, run) {
    this.runs.delete(conversation.id);
    run.save();
    if (this.conversation === conversation) {
      for (const other of store.siblingsOf(conversation, node)) this.views.get(other.id)?.update();
      this.render();
      announce(node.error ?? (node.finish === "stopped" ? "Stopped" : `Answer: ${node.content}`));
      if (this.follows) this.toEnd();
    }
    if (node.unauthorized) this.app.needsKey();
  }

  refresh() {
    for (const view of this.views.values()) view.update();
  }

  editLast() {
    const last = store.pathOf(this.conversation).reverse().find((node) => node.role === "user");
    if (last && !this.running) this.views.get(last.id)?.edit(last, this.actions());
  }

  scrolled() {
    const left = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight;
    this.follows = left < kNearEnd;
    byId("to-end").hidden = this.follows;
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.follows = true;
    byId("to-end").hidden = true;
  }
}

function titleFrom(text) {
  const line = text.trim().split("\n")[0].replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57).trimEnd()}...` : line;
}
