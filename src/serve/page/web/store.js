// Conversations and settings, kept in this browser alone: IndexedDB and localStorage.
//
// A conversation is a tree of messages: an edited question and a regenerated answer are branches
// beside the old ones. `leaf` names the message at whose end the conversation stands.

const kSettings = {
  key: "",
  system: "",
  temperature: "",
  maxTokens: "",
  seed: "",
  drafts: "server",
  draftsMax: 4,
  showDrafts: false,
  tools: "",
};

let database = null;

/** Opens the store; without one (private windows of some browsers) nothing outlives the page. */
export async function openStore() {
  try {
    database = await new Promise((resolve, reject) => {
      const request = indexedDB.open("troika", 1);
      request.onupgradeneeded = () =>
        request.result.createObjectStore("conversations", {keyPath: "id"});
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } catch {
    database = null;
  }
  return database !== null;
}

function transact(mode, work) {
  if (database === null) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("conversations", mode);
    const request = work(transaction.objectStore("conversations"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const saveConversation = (conversation) =>
  transact("readwrite", (store) => store.put(conversation));
export const deleteConversation = (id) => transact("readwrite", (store) => store.delete(id));

/** All of them, the youngest first. */
export async function loadConversations() {
  const all = (await transact("readonly", (store) => store.getAll())) ?? [];
  return all.sort((a, b) => b.updated - a.updated);
}

export function loadSettings() {
  try {
    return {...kSettings, ...JSON.parse(localStorage.getItem("troika.settings") ?? "{}")};
  } catch {
    return {...kSettings};
  }
}

export function saveSettings(settings) {
  try {
    localStorage.setItem("troika.settings", JSON.stringify(settings));
  } catch {
    // nothing outlives the page, then
  }
}

/** The admin key lasts as long as the tab. */
export const adminKey = {
  get: () => sessionStorage.getItem("troika.admin") ?? "",
  set: (key) => sessionStorage.setItem("troika.admin", key),
};

/** A number in 48 bits: never twice in one browser's life, and a seed that JSON keeps exactly. */
export function randomNumber() {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return words[0] * 0x10000 + (words[1] & 0xffff);
}
const newId = () => randomNumber().toString(36);

export function newConversation() {
  const now = Date.now();
  return {id: newId(), title: "", created: now, updated: now, nodes: {}, leaf: null};
}

/** Puts a message behind `parent` (null: it begins the conversation) and ends there. */
export function addMessage(conversation, parent, message) {
  const node = {id: newId(), parent, created: Date.now(), ...message};
  conversation.nodes[node.id] = node;
  conversation.leaf = node.id;
  return node;
}

/** The messages from the beginning to the leaf. */
export function pathOf(conversation) {
  const path = [];
  for (let id = conversation.leaf; id; id = conversation.nodes[id].parent)
    path.unshift(conversation.nodes[id]);
  return path;
}

/** The branches that `node` is one of, in the order in which they came. */
export function siblingsOf(conversation, node) {
  return Object.values(conversation.nodes)
    .filter((other) => other.parent === node.parent)
    .sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
}

/** Goes over to the branch that begins with `node`, to its youngest end. */
export function enterBranch(conversation, node) {
  let leaf = node;
  for (;;) {
    const children = Object.values(conversation.nodes)
                       .filter((other) => other.parent === leaf.id)
                       .sort((a, b) => a.created - b.created);
    if (children.length === 0) break;
    leaf = children[children.length - 1];
  }
  conversation.leaf = leaf.id;
}

/** What a list calls it. */
export function titleOf(conversation) { return conversation.title || "New conversation"; }

/** Whether each word of `query` is in its title or in a message. */
export function matches(conversation, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [
    conversation.title, ...Object.values(conversation.nodes).map((n) => n.content)
  ].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** A conversation's present branch as Markdown. */
export function asMarkdown(conversation) {
  const names = {user: "You", assistant: "Model", tool: "Tool"};
  const parts = pathOf(conversation).map((node) => {
    const files = (node.attachments ?? []).map((file) => `\n\n*Attached: ${file.name}*`).join("");
    return `**${names[node.role]}**\n\n${node.content}${files}\n`;
  });
  return `# ${titleOf(conversation)}\n\n${parts.join("\n")}`;
}
