// The field in which a message is written, and the files that go with it.

import {byId, h, icon, iconButton, toast} from "./dom.js";

const kFileBytesMax = 512 * 1024;
const kFilesMax = 16;

export class Composer {
  /** @param chat  where messages go. @param app  {settings, settingsChanged()} */
  constructor(chat, app) {
    this.chat = chat;
    this.app = app;
    this.attachments = [];
    this.field = byId("composer-text");
    this.form = byId("composer");
    byId("attach").append(icon("attach"));
    byId("attach").addEventListener("click", () => byId("files").click());
    byId("files").addEventListener("change", () => this.attach(byId("files").files));
    byId("drafts").addEventListener("click", () => this.toggleDrafts());
    this.form.addEventListener("submit", (event) => this.submit(event));
    this.field.addEventListener("input", () => this.resize());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.listenToFiles();
    this.update();
  }

  /** What the button does and how the switch stands. */
  update() {
    const running = this.chat.running;
    const button = byId("send");
    button.replaceChildren(icon(running ? "stop" : "send"));
    button.setAttribute("aria-label", running ? "Stop" : "Send");
    button.title = running ? "Stop (Esc)" : "Send (Enter)";
    button.classList.toggle("stop", running);
    byId("drafts").setAttribute("aria-pressed", String(this.app.settings.showDrafts));
  }

  focus() { this.field.focus(); }

  submit(event) {
    event.preventDefault();
    if (this.chat.running) return this.chat.stop();
    if (!this.chat.send(this.field.value, this.attachments)) return;
    this.field.value = "";
    this.attachments = [];
    this.showAttachments();
    this.resize();
    this.update();
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!this.chat.running) this.form.requestSubmit();
    } else if (event.key === "ArrowUp" && this.field.value === "") {
      event.preventDefault();
      this.chat.editLast();
    }
  }

  resize() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, innerHeight * 0.4)}px`;
  }

  toggleDrafts() {
    this.app.settings.showDrafts = !this.app.settings.showDrafts;
    this.app.settingsChanged();
    this.chat.refresh();
  }

  listenToFiles() {
    this.field.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length === 0) return;
      event.preventDefault();
      this.attach(event.clipboardData.files);
    });
    const area = byId("chat");
    area.addEventListener("dragover", (event) => {
      event.preventDefault();
      area.classList.add("dropping");
    });
    area.addEventListener("dragleave", () => area.classList.remove("dropping"));
    area.addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("dropping");
      this.attach(event.dataTransfer.files);
    });
  }

  async attach(files) {
    for (const file of [...files]) {
      const problem = await this.attachOne(file);
      if (problem) toast(`${file.name}: ${problem}`, "error");
    }
    byId("files").value = "";
    this.showAttachments();
    this.focus();
  }

  // What is wrong with the file, or null.
  async attachOne(file) {
    if (this.attachments.length >= kFilesMax) return `at most ${kFilesMax} files go with a message`;
    if (file.size > kFileBytesMax) return `larger than ${kFileBytesMax / 1024} KiB`;
    try {
      const text = new TextDecoder("utf-8", {fatal: true}).decode(await file.arrayBuffer());
      if (text.includes("\0")) return "not a text file";
      this.attachments.push({name: file.name, text});
    } catch {
      return "not a text file in UTF-8";
    }
    return null;
  }

  showAttachments() {
    const chips = this.attachments.map(
      (file) =>
        h("span", {class: "chip"}, file.name, iconButton("close", `Remove ${file.name}`, () => {
          this.attachments.splice(this.attachments.indexOf(file), 1);
          this.showAttachments();
        })));
    byId("attachments").replaceChildren(...chips);
    byId("attachments").hidden = chips.length === 0;
  }
}
