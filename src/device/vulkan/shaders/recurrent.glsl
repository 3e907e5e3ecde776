// Whether a span makes sense to an op with a state of `slots` units and a log of `log_tokens`.
bool sound(Span span, uint slots, uint log_tokens, uint rows) {
  return span.state_slot >= 0 && span.state_slot < slots && span.rows >= 0 && span.rows <= rows &&
         span.row_begin >= 0 && span.row_begin <= rows - span.rows && span.certain >= 0 &&
         span.certain <= span.rows && span.rows - span.certain <= log_tokens &&
         span.replay >= 0 && span.replay <= log_tokens && (span.fresh == 0 || span.replay == 0);
}
