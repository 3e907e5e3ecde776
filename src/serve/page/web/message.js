// One message on the screen. It looks at its node again when told to, and leaves alone what did
// not change.

import {copyText, h, icon, iconButton, toast} from "./dom.js";
import {highlight} from "./highlight.js";
import {MarkdownView} from "./markdown.js";
import {comparison, figuresOf, seconds} from "./statistics.js";

/**
 * @param actions  what the chat does: {regenerate, edit, branch, answerTool, showsDrafts}
 * @param siblings  branches that the node is one of, itself included
 */
export function messageView(node, siblings, actions) {
  if (node.role === "user") return new UserView(node, siblings, actions);
  if (node.role === "tool") return new ToolView(node);
  return new AnswerView(node, siblings, actions);
}

function branches(node, siblings, actions) {
  if (siblings.length < 2) return null;
  const at = siblings.indexOf(node);
  const go = (step, name, label) => iconButton(
    name, label, () => actions.branch(siblings[at + step]), {disabled: !siblings[at + step]});
  return h("span", {class: "branches"}, go(-1, "left", "Earlier version"),
    h("span", {}, `${at + 1}/${siblings.length}`), go(1, "right", "Later version"));
}

const copyButton = (node) => iconButton("copy", "Copy", async () => {
  await copyText(node.content);
  toast("Copied");
});

class UserView {
  constructor(node, siblings, actions) {
    const files = (node.attachments ?? [])
                    .map((file) => h("details", {class: "file"},
                           h("summary", {}, icon("attach"), file.name), h("pre", {}, file.text)));
    this.bubble = h("div", {class: "bubble"}, files, h("div", {class: "text"}, node.content));
    const row = h("div", {class: "actions"}, branches(node, siblings, actions), copyButton(node),
      iconButton("edit", "Edit", () => this.edit(node, actions)));
    this.element = h("article", {class: "message user", "aria-label": "You"}, this.bubble, row);
  }

  update() {}

  edit(node, actions) {
    const field = h("textarea", {
      ".value": node.content,
      "aria-label": "Edit the message",
      rows: Math.min(12, node.content.split("\n").length + 1)
    });
    const close = () => form.replaceWith(this.bubble);
    const form = h("form", {
      class: "edit",
      onsubmit: (event) => {
        event.preventDefault();
        if (field.value.trim()) actions.edit(node, field.value);
      }
    },
      field,
      h("div", {class: "buttons"}, h("button", {type: "button", onclick: close}, "Cancel"),
        h("button", {type: "submit", class: "primary"}, "Send")));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.bubble.replaceWith(form);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }
}

class ToolView {
  constructor(node) {
    this.element = h("article", {class: "message tool", "aria-label": "Tool"},
      h("details", {class: "call"}, h("summary", {}, `Result of ${node.name ?? "a tool"}`),
        h("pre", {}, node.content)));
  }

  update() {}
}

class AnswerView {
  constructor(node, siblings, actions) {
    Object.assign(this, {node, siblings, actions, folded: null, callsState: ""});
    this.thought = h("div", {class: "md"});
    this.thoughtTitle =
      h("summary", {onclick: () => (this.folded = this.reasoning.open)}, "Reasoning");
    this.reasoning =
      h("details", {class: "reasoning", hidden: true}, this.thoughtTitle, this.thought);
    this.body = h("div", {class: "md body"});
    this.calls = h("div", {class: "calls"});
    this.waiting =
      h("div", {class: "waiting", "aria-label": "Waiting for the answer"}, h("i"), h("i"), h("i"));
    this.problem = h("div", {class: "problem", role: "alert", hidden: true});
    this.row = h("div", {class: "actions"});
    this.element = h("article", {class: "message assistant", "aria-label": "Answer"},
      this.reasoning, this.body, this.calls, this.waiting, this.problem, this.row);
    this.bodyView = new MarkdownView(this.body);
    this.thoughtView = new MarkdownView(this.thought);
  }

  update() {
    const {node} = this;
    const running = node.totalMs === undefined;
    this.element.classList.toggle("running", running);
    this.waiting.hidden =
      !running || Boolean(node.content || node.reasoning || node.toolCalls?.length);
    this.updateReasoning(running);
    this.bodyView.update(node.content ?? "", this.actions.showsDrafts() ? node.drafts : []);
    this.updateCalls(running);
    this.problem.hidden = !node.error;
    this.problem.textContent = node.error ?? "";
    if (running)
      this.row.replaceChildren();
    else
      this.updateRow();
  }

  updateReasoning(running) {
    const {node} = this;
    this.reasoning.hidden = !node.reasoning;
    if (!node.reasoning) return;
    const thinking = running && !node.content;
    const time = node.reasoningMs ? ` for ${seconds(node.reasoningMs)}` : "";
    this.thoughtTitle.textContent = thinking ? "Reasoning ..." : `Reasoned${time}`;
    // Open while there is nothing else to read, unless the reader chose.
    if (this.folded === null) this.reasoning.open = thinking;
    this.thoughtView.update(node.reasoning);
  }

  updateCalls(running) {
    const {node} = this;
    const calls = node.toolCalls ?? [];
    const open = !running && calls.length > 0 && this.actions.isLast(node);
    const state = `${JSON.stringify(calls)}${open}`;
    if (state === this.callsState) return;
    this.callsState = state;
    this.calls.replaceChildren(...calls.map((call) => callView(call)));
    if (open)
      this.calls.append(resultForm(calls, (results) => this.actions.answerTool(node, results)));
  }

  updateRow() {
    const {node, siblings, actions} = this;
    const kStopped = {
      stopped: "Stopped",
      length: "Reached the token limit",
      content_filter: "Filtered"
    };
    const figures = figuresOf(node).map(([text, title]) => h("span", {title}, text));
    if (kStopped[node.finish]) figures.unshift(h("span", {}, kStopped[node.finish]));
    const judged = comparison(node, siblings);
    this.row.replaceChildren(...[branches(node, siblings, actions),
      copyButton(node),
      iconButton("redo", "Write again", () => actions.regenerate(node)),
      iconButton("scale", "Write again without drafts, and compare",
        () => actions.regenerate(node, true), {disabled: Boolean(node.withoutDrafts)}),
      h("span", {class: "figures"}, figures),
      judged ? h("span", {class: judged.same ? "verdict same" : "verdict"},
                 judged.same ? icon("check") : null, judged.text) :
               null,
    ].filter(Boolean));
  }
}

function callView(call) {
  let text = call.function.arguments;
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // not whole yet, or not JSON: as it is
  }
  const code = h("code");
  let done = 0;
  for (const {kind, from, to} of highlight("json", text)) {
    code.append(text.slice(done, from), h("span", {class: `t-${kind}`}, text.slice(from, to)));
    done = to;
  }
  code.append(text.slice(done));
  return h("details", {class: "call", open: true},
    h("summary", {}, "Calls ", h("b", {}, call.function.name || "a tool")), h("pre", {}, code));
}

function resultForm(calls, answer) {
  const fields = calls.map((call) => h("textarea", {
    rows: 2,
    "aria-label": `Result of ${call.function.name}`,
    placeholder: `Result of ${call.function.name}`
  }));
  return h("form", {
    class: "edit",
    onsubmit: (event) => {
      event.preventDefault();
      answer(fields.map((field) => field.value));
    }
  },
    fields,
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, "Send results")));
}
