// What the page asks of the server; README.md beside web/ has it in words. Paths are relative, so
// that the page works below a prefix of a proxy.

/** An answer that is none: `status` of HTTP (0: no connection), a message, seconds to wait. */
export class ApiError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function ask(path, key, options = {}) {
  const headers = {...options.headers};
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, {...options, headers});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server cannot be reached.");
  }
  if (response.ok) return response;
  let message = `The server answered ${response.status}.`;
  try {
    message = (await response.json()).error?.message ?? message;
  } catch {
    // not JSON: the status says it
  }
  throw new ApiError(response.status, message, response.headers.get("Retry-After"));
}

export const getJson = async (path, key) => (await ask(path, key)).json();
export const getText = async (path, key) => (await ask(path, key)).text();

/** The data of each server-sent event. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const {value, done} = await reader.read();
    buffer += value ?? "";
    for (let end; (end = buffer.search(/\r?\n\r?\n/)) >= 0;) {
      const event = buffer.slice(0, end);
      buffer = buffer.slice(end).replace(/^\r?\n\r?\n/, "");
      const data = event.split(/\r?\n/)
                     .filter((line) => line.startsWith("data:"))
                     .map((line) => line.slice(5).replace(/^ /, ""))
                     .join("\n");
      if (data) yield data;
    }
    if (done) return;
  }
}

/** The chunks of a chat completion as they come. Ends early where `signal` says so. */
export async function* chat(request, key, signal) {
  const response = await ask("v1/chat/completions", key, {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(request),
    signal,
  });
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(500, chunk.error.message ?? "The answer broke off.");
    yield chunk;
  }
}

/** A question's text with its files in front of it. */
export function withAttachments(node) {
  const fence = (text) =>
    "`".repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map((run) => run.length + 1)));
  const files = (node.attachments ?? []).map((file) => {
    const marks = fence(file.text);
    return `File ${file.name}:\n${marks}\n${file.text}\n${marks}\n\n`;
  });
  return files.join("") + node.content;
}

function messageOf(node) {
  if (node.role === "user") return {role: "user", content: withAttachments(node)};
  if (node.role === "tool")
    return {role: "tool", tool_call_id: node.toolCallId, content: node.content};
  const calls = node.toolCalls?.length ? {tool_calls: node.toolCalls} : {};
  return {role: "assistant", content: node.content, ...calls};
}

/** The body for an answer to `path`. @param run  {model, seed, withoutDrafts} */
export function requestFor(path, settings, run) {
  const messages = path.map(messageOf);
  if (settings.system.trim()) messages.unshift({role: "system", content: settings.system});
  const request = {
    model: run.model,
    messages,
    stream: true,
    stream_options: {include_usage: true},
    timings: true,
    seed: run.seed,
  };
  if (settings.temperature !== "") request.temperature = Number(settings.temperature);
  if (settings.maxTokens !== "") request.max_completion_tokens = Number(settings.maxTokens);
  if (run.withoutDrafts || settings.drafts === "off")
    request.speculative = {n_max: 0};
  else if (settings.drafts === "bound")
    request.speculative = {n_max: Number(settings.draftsMax)};
  if (settings.showDrafts) request.troika = {show_drafts: true};
  if (settings.tools.trim()) request.tools = JSON.parse(settings.tools);
  return request;
}
