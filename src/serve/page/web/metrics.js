// Prometheus' text format, read; and what a watcher wants to know of two readings.

import {kMetricNames} from "./metric_names.js";

const kSample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const kLabel = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const kEscapes = {
  "\\n": "\n",
  "\\\\": "\\",
  "\\\"": "\""
};

function numberOf(text) {
  if (/^[+-]?Inf$/i.test(text)) return text[0] === "-" ? -Infinity : Infinity;
  return Number(text);
}

/** name -> [{labels, value}] of each line that is a sample. */
export function parseMetrics(text) {
  const metrics = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : kSample.exec(line.trim());
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(kLabel))
      labels[name] = value.replace(/\\[n"\\]/g, (escape) => kEscapes[escape]);
    if (!metrics.has(match[1])) metrics.set(match[1], []);
    metrics.get(match[1]).push({labels, value: numberOf(match[3])});
  }
  return metrics;
}

/** One reading of /metrics, asked by what kMetricNames calls a figure. */
export class Reading {
  /** @param time  in seconds. */
  constructor(text, time) {
    this.metrics = parseMetrics(text);
    this.time = time;
  }

  samples(what, suffix = "") {
    return this.metrics.get(kMetricNames[what] + suffix) ?? null;
  }

  /** All labels together; null where the server does not say. */
  sum(what, suffix = "") {
    return this.samples(what, suffix)?.reduce((sum, sample) => sum + sample.value, 0) ?? null;
  }

  /** Map from a label's value to the sum of its samples. */
  by(what, label) {
    const sums = new Map();
    for (const {labels, value} of this.samples(what) ?? [])
      if (labels[label] !== undefined)
        sums.set(labels[label], (sums.get(labels[label]) ?? 0) + value);
    return sums;
  }
}

/** What a counter grew by, a second; a server that began anew counts from 0. */
const grown = (now, before) => (now >= before ? now - before : now);

export function rate(now, before, what) {
  const value = now.sum(what);
  const seconds = now.time - before.time;
  if (value === null || seconds <= 0) return null;
  return grown(value, before.sum(what) ?? 0) / seconds;
}

export function rateBy(now, before, what, label) {
  const old = before.by(what, label);
  const seconds = now.time - before.time;
  const rates = new Map();
  if (seconds <= 0) return rates;
  for (const [name, value] of now.by(what, label))
    rates.set(name, grown(value, old.get(name) ?? 0) / seconds);
  return rates;
}

/** The mean of what a histogram saw between two readings; null: nothing. */
export function meanBetween(now, before, what) {
  const count = now.sum(what, "_count");
  if (count === null) return null;
  const seen = grown(count, before.sum(what, "_count") ?? 0);
  return seen > 0 ? grown(now.sum(what, "_sum"), before.sum(what, "_sum") ?? 0) / seen : null;
}

/** Accepted by proposed, for each depth that was tried: [[depth, share, proposed]], ascending. */
export function acceptance(now, before) {
  const drafted = rateBy(now, before, "drafted", "depth");
  const accepted = rateBy(now, before, "accepted", "depth");
  return [...drafted]
    .filter(([, count]) => count > 0)
    .map(
      ([depth, count]) => [Number(depth), Math.min(1, (accepted.get(depth) ?? 0) / count), count])
    .sort((a, b) => a[0] - b[0]);
}

/**
 * Jain's index of what tenants got for their weight: 1 is equal, 1/n is all for one. Of those that
 * got something; null where fewer than two did.
 * @param service  tenant -> tokens a second. @param weights  tenant -> weight.
 */
export function fairness(service, weights) {
  const got = [...service].filter(([, value]) => value > 0).map(([name,
    value]) => value / (weights.get(name) || 1));
  if (got.length < 2) return null;
  const sum = got.reduce((total, value) => total + value, 0);
  const squares = got.reduce((total, value) => total + value * value, 0);
  return (sum * sum) / (got.length * squares);
}
