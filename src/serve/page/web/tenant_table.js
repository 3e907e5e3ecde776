// Tenants as a table: who they are, what they got beside what their weight says, what they may.

import {h} from "./dom.js";
import {rateBy} from "./metrics.js";
import {short} from "./plot.js";

const kRowsMax = 200;

const count = (value) =>
  (value === null || value === undefined ? "-" : Number(value).toLocaleString("en"));

export class TenantTable {
  constructor() {
    this.body = h("tbody");
    this.title = h("b", {}, "Tenants");
    this.note = h("span", {class: "note"});
    const heads = [
      "Tenant", "Class", "Weight", "At work", "Waiting", "Tokens/s", "Share of the last minute",
      "Requests/min", "Tokens/min", "Tokens/day"
    ];
    this.element = h("figure", {class: "tenants"}, h("figcaption", {}, this.title, this.note),
      h("div", {class: "table", tabindex: "0"},
        h("table", {},
          h("thead", {},
            h("tr", {}, heads.map((text, i) => h("th", {class: i < 2 ? "" : "number"}, text)))),
          this.body)));
  }

  /** @param recent, minute  readings before `now`. */
  show(tenants, now, recent, minute) {
    const speeds = rateBy(now, recent, "generated", "tenant");
    const service = rateBy(now, minute, "generated", "tenant");
    const total = [...service.values()].reduce((sum, value) => sum + value, 0);
    const known = new Map(tenants.map((tenant) => [tenant.name, tenant]));
    for (const name of now.by("generated", "tenant").keys())
      if (!known.has(name)) known.set(name, {name});
    const busy = [...known.values()].filter((tenant) => (service.get(tenant.name) ?? 0) > 0);
    const weights = busy.reduce((sum, tenant) => sum + (tenant.weight ?? 1), 0);
    const rows =
      [...known.values()].sort((a, b) => (service.get(b.name) ?? 0) - (service.get(a.name) ?? 0) ||
          a.name.localeCompare(b.name));
    const facts = {
      speeds,
      service,
      total,
      weights,
      running: now.by("running", "tenant"),
      waiting: now.by("waiting", "tenant")
    };
    this.body.replaceChildren(...rows.slice(0, kRowsMax).map((tenant) => this.row(tenant, facts)));
    this.note.textContent =
      rows.length > kRowsMax ? `${kRowsMax} of ${rows.length}` : `${rows.length}`;
  }

  row(tenant, {speeds, service, total, weights, running, waiting}) {
    const {name} = tenant;
    const got = total > 0 ? (service.get(name) ?? 0) / total : 0;
    const fair = got > 0 && weights > 0 ? (tenant.weight ?? 1) / weights : null;
    const number = (text) => h("td", {class: "number"}, text);
    return h("tr", {}, h("th", {scope: "row"}, name), h("td", {}, tenant.priority ?? "-"),
      number(short(tenant.weight ?? null)), number(count(running.get(name) ?? 0)),
      number(count(waiting.get(name) ?? 0)), number(short(speeds.get(name) ?? 0)),
      h("td", {}, shareBar(got, fair)), number(count(tenant.requests_per_minute)),
      number(count(tenant.tokens_per_minute)), number(count(tenant.tokens_per_day)));
  }
}

// A bar for what was got, a mark where the weight says it should end.
function shareBar(got, fair) {
  const bar = h("i");
  bar.style.width = `${(got * 100).toFixed(1)}%`;
  const mark = fair === null ? null : h("u");
  if (mark) mark.style.left = `${(fair * 100).toFixed(1)}%`;
  const title = fair === null ?
    "Nothing in the last minute" :
    `Got ${short(got, "%")}; by weight among those at work ${short(fair, "%")}`;
  return h("div", {class: "share", title}, h("span", {class: "track"}, bar, mark), short(got, "%"));
}
