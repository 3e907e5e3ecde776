// The operator's view: what /metrics and /admin/tenants say, every two seconds, over ten minutes.

import {getJson, getText} from "./api.js";
import {h, iconButton} from "./dom.js";
import {acceptance, fairness, meanBetween, rate, rateBy, Reading} from "./metrics.js";
import {Plot, seriesColour, short} from "./plot.js";
import {adminKey} from "./store.js";
import {TenantTable} from "./tenant_table.js";

const kPeriodMs = 2000;
const kWindowS = 600;
const kWindowsS = [60, 120, 300, kWindowS];  // as wide as what there is to see
const kShareS = 60;                          // over which shares and acceptance are taken
const kTenantsShown = 6;                     // in plots; the rest are "others"

export class Operator {
  /** @param openSettings  where the admin key is entered. */
  constructor(parent, openSettings) {
    this.parent = parent;
    this.openSettings = openSettings;
    this.timer = null;
    this.readings = [];
    this.tenants = [];
    this.build();
  }

  build() {
    const plot = (title, kind, options = {}) => new Plot(title, kind, options);
    this.plots = {
      throughput: plot("Tokens written", "area", {note: "a second, by tenant"}),
      fairness:
        plot("Fairness", "line", {max: 1, note: "Jain's index of service by weight; 1 is equal"}),
      queue: plot("Requests", "line", {note: "at work and waiting"}),
      latency: plot("Times", "line", {unit: "s", note: "mean, seen in the last seconds"}),
      cache: plot("Cache", "line", {unit: "%", max: 1, note: "prompt tokens found, pages held"}),
      acceptance:
        plot("Drafts accepted", "bars", {unit: "%", max: 1, note: "by depth, last minute"}),
    };
    this.tiles = h("div", {class: "tiles"});
    this.table = new TenantTable();
    this.state = h("span", {class: "state"});
    this.pause = iconButton("pause", "Pause", () => (this.timer ? this.stop() : this.start()));
    this.problem = h("div", {class: "problem", hidden: true});
    this.parent.replaceChildren(
      h("div", {class: "board"}, h("div", {class: "bar"}, this.state, this.pause), this.problem,
        this.tiles, h("div", {class: "plots"}, Object.values(this.plots).map((one) => one.element)),
        this.table.element));
  }

  start() {
    if (this.timer) return;
    this.pause.classList.remove("on");
    this.timer = setInterval(() => this.tick(), kPeriodMs);
    this.tick();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.pause.classList.add("on");
    this.state.textContent = "Paused";
  }

  restart() {
    if (!this.timer) return;
    this.stop();
    this.start();
  }

  redraw() {
    for (const one of Object.values(this.plots)) one.draw();
  }

  async tick() {
    if (this.asking || document.hidden) return;
    this.asking = true;
    try {
      const key = adminKey.get();
      const text = await getText("metrics", key);
      this.readings.push(new Reading(text, performance.now() / 1000));
      const oldest = this.readings[this.readings.length - 1].time - kWindowS;
      while (this.readings[0].time < oldest) this.readings.shift();
      this.tenants = await this.askTenants(key);
      this.fail(null);
    } catch (error) {
      this.fail(error);
    }
    this.asking = false;
    if (this.readings.length > 0) this.show();
  }

  // A server without a tenants file has none to tell of.
  async askTenants(key) {
    try {
      const answer = await getJson("admin/tenants", key);
      return answer.tenants ?? answer.data ?? [];
    } catch (error) {
      if (error.status === 404) return [];
      throw error;
    }
  }

  fail(error) {
    this.problem.hidden = error === null;
    this.state.textContent = error ? "No answer" : "Live";
    this.state.classList.toggle("live", error === null);
    if (!error) return;
    const kReasons = {
      401: "This listener wants an admin key.",
      403: "This key is not an admin key.",
      404:
        "This listener has no admin routes: open the page at the admin address of troika serve.",
    };
    const button = h("button", {type: "button", onclick: this.openSettings}, "Enter the admin key");
    this.problem.replaceChildren(
      kReasons[error.status] ?? error.message, [401, 403].includes(error.status) ? button : "");
  }

  // The reading that is the youngest of those at least `seconds` old, else the first.
  before(seconds) {
    const now = this.readings[this.readings.length - 1].time;
    return this.readings.findLast((one) => one.time <= now - seconds) ?? this.readings[0];
  }

  show() {
    const now = this.readings[this.readings.length - 1];
    const minute = this.before(kShareS);
    const age = now.time - this.readings[0].time;
    this.window = kWindowsS.find((seconds) => seconds >= age) ?? kWindowS;
    const weights = new Map(this.tenants.map((tenant) => [tenant.name, tenant.weight ?? 1]));
    this.showTiles(now, minute);
    this.showThroughput(now);
    this.showLines(now, weights);
    const bars = acceptance(now, minute).map(([depth, share]) => [String(depth), share]);
    this.plots.acceptance.show(
      [{name: "accepted", colour: "--accent", points: bars}], now.time, this.window);
    this.table.show(this.tenants, now, this.before(10), minute);
  }

  showTiles(now, minute) {
    const recent = this.before(6);
    const hits = shareOf(rate(now, minute, "cached"), rate(now, minute, "prompt"));
    const taken = shareOf(rate(now, minute, "accepted"), rate(now, minute, "drafted"));
    const tiles = [
      ["Written", short(rate(now, recent, "generated")), "tokens/s"],
      ["Read", short(rate(now, recent, "prompt")), "tokens/s"],
      ["At work", short(now.sum("running")), "requests"],
      ["Waiting", short(now.sum("waiting")), "requests"],
      ["From the cache", short(hits, "%"), "of prompts"],
      ["Drafts accepted", short(taken, "%"), "last minute"],
    ];
    this.tiles.replaceChildren(
      ...tiles.map(([name, value, unit]) => h("div", {class: "tile"}, h("span", {}, name),
                     h("b", {}, value), h("small", {}, unit))));
  }

  // [time, value] of what `measure` says of each two neighbouring readings.
  points(measure) {
    return this.readings.slice(1).map((now, i) => [now.time, measure(now, this.readings[i])]);
  }

  showThroughput(now) {
    const total = now.by("generated", "tenant");
    const names = [...total].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    const rates = this.readings.slice(1).map(
      (one, i) => [one.time, rateBy(one, this.readings[i], "generated", "tenant")]);
    const series = names.slice(0, kTenantsShown).map((name, i) => ({
      name,
      colour: seriesColour(i + 1),
      points: rates.map(([time, by]) => [time, by.get(name) ?? 0])
    }));
    const others = names.slice(kTenantsShown);
    if (others.length > 0)
      series.push({
        name: `${others.length} others`,
        colour: seriesColour(7),
        points: rates.map(
          ([time, by]) => [time, others.reduce((sum, name) => sum + (by.get(name) ?? 0), 0)])
      });
    this.plots.throughput.show(series, now.time, this.window);
  }

  showLines(now, weights) {
    const line = (name, n, points) =>
      ({name, colour: n === 0 ? "--accent" : seriesColour(n), points});
    const levels = (what) => this.readings.map((one) => [one.time, one.sum(what)]);
    const pages = (state) => this.readings.map((one) => {
      const by = one.by("pages", "state");
      const total = [...by.values()].reduce((sum, value) => sum + value, 0);
      return [one.time, shareOf(by.get(state) ?? null, total)];
    });
    this.plots.fairness.show(
      [line("index", 0,
        this.points(
          (one) => fairness(rateBy(one, this.agoOf(one), "generated", "tenant"), weights)))],
      now.time, this.window);
    const aside = now.sum("preempted");
    this.plots.queue.note.textContent =
      `at work and waiting${aside === null ? "" : `; ${aside} were set aside`}`;
    this.plots.queue.show(
      [line("at work", 0, levels("running")), line("waiting", 3, levels("waiting"))], now.time,
      this.window);
    this.plots.latency.show(
      [
        line("first token", 0, this.points((one, old) => meanBetween(one, old, "firstToken"))),
        line("each token", 3, this.points((one, old) => meanBetween(one, old, "perToken")))
      ],
      now.time, this.window);
    this.plots.cache.show(
      [
        line("found", 0,
          this.points((one, old) => shareOf(rate(one, old, "cached"), rate(one, old, "prompt")))),
        line("pages in use", 3, pages("used")), line("pages cached", 4, pages("cached"))
      ],
      now.time, this.window);
  }

  // What was read some ten seconds before `one`: shares of two seconds are noise.
  agoOf(one) {
    return this.readings.findLast((other) => other.time <= one.time - 10) ?? this.readings[0];
  }
}

const shareOf = (part, whole) => (part === null || !whole ? null : Math.min(1, part / whole));
