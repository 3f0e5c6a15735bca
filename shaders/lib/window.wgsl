// window: which keys a sliding window leaves to a row. The kernel has a binding `spans`.
//
//   row i sees key j  where causality lets it, and  place(i) - place(j) < WINDOW
// place: a row's position in its sequence, prompt and response together. WINDOW 0 hides no key: then
// the kernel is compiled as if nothing here stood in it. Beltagy et al. 2020, arXiv:2004.05150, section 3.1;
// the window counts the row's own key, as in Hugging Face's models.

override WINDOW: u32 = 0;

fn place(row: u32) -> u32 {
  return spans[row * 6 + 3] - spans[row * 6 + 2] + row - spans[row * 6];
}

// The first key of its own segment that a row sees.
fn first_own(row: u32) -> u32 {
  let start = spans[row * 6];
  if (WINDOW == 0) { return start; }
  return max(start, max(row + 1, WINDOW) - WINDOW);
}

// The first key of its prefix that a row sees; the prefix's end where it sees none.
fn first_prefix(row: u32) -> u32 {
  let start = spans[row * 6 + 2];
  if (WINDOW == 0) { return start; }
  let end = spans[row * 6 + 3];
  let own = row + 1 - spans[row * 6];
  return end - min(end - start, max(WINDOW, own) - own);
}

// A key of the prefix before which neither a row nor a later one with the same prefix sees any. `alone`:
// later rows of the row's own segment only. Other segments begin anew, and see as far back as any row.
fn prefix_from(row: u32, alone: bool) -> u32 {
  if (WINDOW == 0 || alone) { return first_prefix(row); }
  let end = spans[row * 6 + 3];
  return end - min(end - spans[row * 6 + 2], WINDOW - 1);
}

// Whether a key, which a query sees but for the window, lies before the window.
fn is_beyond(query: u32, key: u32) -> bool {
  return WINDOW > 0 && place(query) - place(key) >= WINDOW;
}

// Which of four queries have a key in their windows.
fn within(queries: vec4u, key: u32) -> vec4<bool> {
  if (WINDOW == 0) { return vec4<bool>(true); }
  return !vec4<bool>(is_beyond(queries.x, key), is_beyond(queries.y, key),
                     is_beyond(queries.z, key), is_beyond(queries.w, key));
}

// Whether the windows of `count` rows from `first` on lie past key `last`, which is not after `first`, and
// so past all keys before it. False also where the rows are of several segments.
fn is_past(first: u32, count: u32, last: u32) -> bool {
  if (WINDOW == 0) { return false; }
  let start = spans[first * 6];
  if (spans[first * 6 + 1] < first + count) { return false; }
  if (last >= start) { return first - min(first, last) >= WINDOW; }
  let prefix_end = spans[first * 6 + 3];
  return first - start + prefix_end - min(last + 1, prefix_end) + 1 >= WINDOW;
}
