// What an answer cost, in words: tokens, speed with and without drafts, what was accepted.

const short = (value) => value >= 100 ? value.toFixed(0) : value.toFixed(1);

/** "0.4 s", "12 s". */
export const seconds = (ms) => `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;

/** Tokens a second while writing; null where neither the server nor the clock knows. */
export function speedOf(node) {
  if (node.timings?.predicted_per_second) return node.timings.predicted_per_second;
  const tokens = node.usage?.completion_tokens;
  const ms = node.totalMs - node.firstMs;
  return tokens > 1 && ms > 0 ? ((tokens - 1) * 1000) / ms : null;
}

/** [text, explanation] of each figure that is known. */
export function figuresOf(node) {
  const figures = [];
  const {timings = {}, usage = {}} = node;
  const tokens = usage.completion_tokens ?? timings.predicted_n;
  if (tokens !== undefined) figures.push([`${tokens} tokens`, promptText(usage, timings)]);
  const speed = speedOf(node);
  if (speed) figures.push([`${short(speed)} tokens/s`, "While writing, the prompt not counted"]);
  const without = timings.predicted_per_second_without_drafts;
  if (without)
    figures.push(
      [`${short(without)} without drafts`, "What the same machine would do without drafts"]);
  if (timings.draft_n > 0)
    figures.push(...draftFigures(timings));
  else if (node.withoutDrafts)
    figures.push(["drafts off", "This answer was written without drafts"]);
  if (node.firstMs !== undefined)
    figures.push([`first word after ${seconds(node.firstMs)}`, "Seen from this browser"]);
  return figures;
}

function draftFigures({draft_n: drafted, draft_n_accepted: accepted = 0, predicted_n: tokens}) {
  const share = Math.round((100 * accepted) / drafted);
  const figures = [[`${share} % of drafts accepted`, `${accepted} of ${drafted} drafted tokens`]];
  const passes = tokens - accepted;
  if (passes > 0)
    figures.push([
      `${(tokens / passes).toFixed(1)} tokens a pass`,
      "One pass of the model writes one token and those drafts that it accepts"
    ]);
  return figures;
}

function promptText(usage, timings) {
  const prompt = usage.prompt_tokens ?? timings.prompt_n;
  const cached = usage.prompt_tokens_details?.cached_tokens;
  if (prompt === undefined) return "";
  return `Prompt: ${prompt} tokens${cached ? `, ${cached} of them from the cache` : ""}`;
}

/** The same question to the same seed, with drafts and without: a sentence, or null. */
export function comparison(node, siblings) {
  const other = siblings.find((sibling) => sibling !== node && sibling.seed === node.seed &&
      Boolean(sibling.withoutDrafts) !== Boolean(node.withoutDrafts));
  if (!other ||
    [node, other].some((one) => one.totalMs === undefined || one.error || one.finish === "stopped"))
    return null;
  const [drafted, plain] = node.withoutDrafts ? [other, node] : [node, other];
  const same = drafted.content === plain.content && drafted.reasoning === plain.reasoning;
  const [fast, slow] = [speedOf(drafted), speedOf(plain)];
  const speeds =
    fast && slow ? `: ${short(fast)} tokens/s with drafts, ${short(slow)} without` : "";
  return {
    same,
    text: (same ? "Same text with and without drafts, byte for byte" : "The texts differ") + speeds
  };
}
