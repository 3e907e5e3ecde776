// What the server calls the figures that the operator's view shows: serve/metrics has them.
// A figure that /metrics does not have is left out.

export const kMetricNames = {
  generated: "troika_answer_tokens_total",  // by tenant
  prompt: "troika_prompt_tokens_total",     // by tenant
  cached: "troika_cached_tokens_total",     // by tenant
  running: "troika_running_requests",       // by tenant
  waiting: "troika_queue_requests",         // by tenant
  drafted: "troika_drafts_proposed_total",  // by depth
  accepted: "troika_drafts_accepted_total",
  pages: "troika_pages",  // by state: free, used, cached
  preempted: "troika_preemptions_total",
  firstToken: "troika_time_to_first_token_seconds",  // histograms
  perToken: "troika_time_per_token_seconds",
};
