// Plots on a canvas: areas on top of each other, lines, bars. Colours come from style.css, so light
// and dark are one fact. Numbers under the pointer stand in the legend, not on the plot.

import {h} from "./dom.js";

const kHeight = 168;
const kLeft = 44;
const kBottom = 20;
const kTop = 8;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** The colour of the n-th series; the last is for "others". */
export const seriesColour = (n) => `--plot-${Math.min(n, 7)}`;

/** 1234 as "1.2k", 0.5 as "0.50". */
export function short(value, unit = "") {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  if (value === 0 && unit !== "%") return "0";
  const size = Math.abs(value);
  if (unit === "%") return `${(value * 100).toFixed(0)} %`;
  if (unit === "s" && size < 1) return `${(value * 1000).toFixed(size < 0.01 ? 1 : 0)} ms`;
  const text = size >= 1e6 ? `${(value / 1e6).toFixed(1)}M` :
    size >= 1e4 ? `${(value / 1e3).toFixed(0)}k` :
    size >= 1e3 ? `${(value / 1e3).toFixed(1)}k` :
    size >= 100 || Number.isInteger(value) ? value.toFixed(0) :
    size >= 1                              ? value.toFixed(1) :
                                             value.toFixed(2);
  return unit ? `${text} ${unit}` : text;
}

// A number at which an axis may end: 1, 2 or 5 times a power of ten.
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

export class Plot {
  /**
   * @param kind  "area" (stacked), "line" or "bars". @param options  {unit, max, note}
   */
  constructor(title, kind, options = {}) {
    Object.assign(this, {kind, options, series: [], hovered: null});
    this.canvas = h("canvas", {role: "img", "aria-label": title});
    this.legend = h("div", {class: "legend"});
    this.note = h("span", {class: "note"}, options.note ?? "");
    this.element = h("figure", {class: "plot"}, h("figcaption", {}, h("b", {}, title), this.note),
      this.canvas, this.legend);
    this.canvas.addEventListener("pointermove", (event) => this.hover(event.offsetX));
    this.canvas.addEventListener("pointerleave", () => this.hover(null));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /**
   * @param series  [{name, colour: a custom property, points: [[x, value or null]]}]. @param now
   *   the right end. @param span  seconds
   */
  show(series, now, span) {
    Object.assign(this, {series, now, span});
    this.draw();
  }

  hover(x) {
    this.hovered = x;
    this.draw();
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = kHeight * ratio;
    this.pen = this.canvas.getContext("2d");
    this.pen.scale(ratio, ratio);
    this.pen.font = `11px ${colour("--sans") || "sans-serif"}`;
    this.width = width;
    this.layers = this.kind === "area" ? stacked(this.series) : this.series;
    const values = this.layers.flatMap((layer) => layer.points.map((point) => point[1] ?? 0));
    this.max = this.options.max ?? roundUp(Math.max(0, ...values));
    this.axes();
    if (this.kind === "bars")
      this.bars();
    else
      this.lines();
    this.showLegend();
  }

  y(value) {
    return kTop + (kHeight - kTop - kBottom) * (1 - Math.min(value, this.max) / this.max);
  }

  x(time) { return kLeft + (this.width - kLeft - 4) * (1 - (this.now - time) / this.span); }

  axes() {
    const {pen} = this;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const share of [0, 0.5, 1]) {
      const y = Math.round(this.y(share * this.max)) + 0.5;
      pen.strokeStyle = colour(share === 0 ? "--line-strong" : "--line");
      pen.beginPath();
      pen.moveTo(kLeft, y);
      pen.lineTo(this.width - 4, y);
      pen.stroke();
      pen.fillStyle = colour("--text-3");
      pen.fillText(short(share * this.max, this.options.unit), kLeft - 6, y);
    }
    if (this.kind === "bars") return;
    if (!this.span) return;
    pen.textBaseline = "alphabetic";
    for (const share of [0, 0.5, 1]) {
      pen.textAlign = ["left", "center", "right"][share * 2];
      const text = share === 1 ? "now" : this.ago(this.span * (1 - share));
      pen.fillText(text, kLeft + (this.width - kLeft - 4) * share, kHeight - 4);
    }
  }

  ago(seconds) { return seconds < 120 ? `-${seconds} s` : `-${seconds / 60} min`; }

  lines() {
    const {pen} = this;
    pen.save();
    pen.beginPath();
    pen.rect(kLeft, 0, this.width - kLeft, kHeight - kBottom + 1);
    pen.clip();
    // From the top of a stack down, each over the one before.
    for (const layer of this.kind === "area" ? [...this.layers].reverse() : this.layers)
      this.line(layer);
    pen.restore();
    if (this.hovered === null) return;
    pen.strokeStyle = colour("--text-3");
    pen.beginPath();
    pen.moveTo(this.hovered + 0.5, kTop);
    pen.lineTo(this.hovered + 0.5, kHeight - kBottom);
    pen.stroke();
  }

  line(layer) {
    const {pen} = this;
    pen.beginPath();
    let open = false;
    const points = layer.points.filter(([, value]) => value !== null);
    for (const [time, value] of points) {
      if (open)
        pen.lineTo(this.x(time), this.y(value));
      else
        pen.moveTo(this.x(time), this.y(value));
      open = true;
    }
    pen.strokeStyle = colour(layer.colour);
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    if (this.kind === "area" && points.length > 1) {
      pen.lineTo(this.x(points[points.length - 1][0]), this.y(0));
      pen.lineTo(this.x(points[0][0]), this.y(0));
      pen.closePath();
      pen.fillStyle = colour(layer.colour);
      pen.fill();
    } else
      pen.stroke();
  }

  bars() {
    const {pen} = this;
    const points = this.series[0]?.points ?? [];
    const step = (this.width - kLeft - 4) / Math.max(points.length, 4);
    pen.textAlign = "center";
    points.forEach(([label, value], i) => {
      const width = Math.min(44, step * 0.6);
      const x = kLeft + step * (i + 0.5);
      pen.fillStyle = colour(this.series[0].colour);
      pen.beginPath();
      pen.roundRect(x - width / 2, this.y(value), width, this.y(0) - this.y(value), [3, 3, 0, 0]);
      pen.fill();
      pen.fillStyle = colour("--text-2");
      pen.textBaseline = "alphabetic";
      pen.fillText(label, x, kHeight - 4);
      const high = this.y(value) < kTop + 14;
      if (high) pen.fillStyle = colour("--on-accent");
      pen.fillText(
        short(value, this.options.unit), x, high ? this.y(value) + 13 : this.y(value) - 5);
    });
  }

  showLegend() {
    if (this.kind === "bars") return;
    const items = this.series.map((one) => {
      const mark = h("i");
      mark.style.background = `var(${one.colour})`;
      return h("span", {}, mark, one.name, h("b", {}, short(this.valueOf(one), this.options.unit)));
    });
    this.legend.replaceChildren(...items);
  }

  // Under the pointer, or the latest.
  valueOf({points}) {
    if (this.hovered === null) return points[points.length - 1]?.[1] ?? null;
    const nearest = points.reduce((best, point) => !best ||
          Math.abs(this.x(point[0]) - this.hovered) < Math.abs(this.x(best[0]) - this.hovered) ?
        point :
        best,
      null);
    return nearest?.[1] ?? null;
  }
}

// Each series on top of those before it.
function stacked(series) {
  const base = new Map();
  return series.map((one) => ({
    ...one,
    points: one.points.map(([x, value]) => {
      base.set(x, (base.get(x) ?? 0) + (value ?? 0));
      return [x, base.get(x)];
    })
  }));
}
