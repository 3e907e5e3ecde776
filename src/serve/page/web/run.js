// One answer while it is written: chunks come in, the message grows.

import {chat} from "./api.js";

export class Run {
  /** @param changed  called after every chunk and at the end; @param node  the message to fill. */
  constructor(node, request, key, changed) {
    this.node = node;
    this.request = request;
    this.key = key;
    this.changed = changed;
    this.abort = new AbortController();
    Object.assign(node, {content: "", reasoning: "", toolCalls: [], drafts: [], error: null});
  }

  /** Ends when the answer does, however it does: errors are written into the message. */
  async start() {
    const {node} = this;
    node.began = performance.now();
    try {
      for await (const chunk of chat(this.request, this.key, this.abort.signal)) {
        take(node, chunk);
        this.changed();
      }
    } catch (error) {
      if (error.name === "AbortError")
        node.finish = "stopped";
      else
        node.error = messageOf(error);
      node.unauthorized = error.status === 401;
    }
    node.totalMs = performance.now() - node.began;
    delete node.began;
    this.changed();
  }

  stop() { this.abort.abort(); }
}

function messageOf(error) {
  if (error.status === 429 && error.retryAfter)
    return `${error.message} Try again in ${error.retryAfter} s.`;
  return error.message || "The answer broke off.";
}

function take(node, chunk) {
  if (chunk.usage) node.usage = chunk.usage;
  if (chunk.timings) node.timings = chunk.timings;
  const choice = chunk.choices?.[0];
  if (!choice) return;
  const delta = choice.delta ?? {};
  if (delta.content || delta.reasoning_content || delta.tool_calls)
    node.firstMs ??= performance.now() - node.began;
  if (delta.reasoning_content) {
    node.reasoning += delta.reasoning_content;
    node.reasoningMs = performance.now() - node.began;
  }
  if (delta.content) {
    if (chunk.troika?.drafted) addRange(node.drafts, node.content.length, delta.content.length);
    node.content += delta.content;
  }
  for (const call of delta.tool_calls ?? []) takeCall(node.toolCalls, call);
  if (choice.finish_reason) node.finish = choice.finish_reason;
}

// Ranges that touch become one.
function addRange(ranges, from, length) {
  const last = ranges[ranges.length - 1];
  if (last && last[1] === from)
    last[1] += length;
  else
    ranges.push([from, from + length]);
}

function takeCall(calls, part) {
  const index = part.index ?? calls.length;
  calls[index] ??= {id: "", type: "function", function: {name: "", arguments: ""}};
  const call = calls[index];
  if (part.id) call.id = part.id;
  call.function.name += part.function?.name ?? "";
  call.function.arguments += part.function?.arguments ?? "";
}
