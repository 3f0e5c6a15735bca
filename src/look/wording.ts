// Numbers in the sentences of the page, the report and the command.

/** `1 step`, `2 keys`, `0 entries`. */
export function counted(count: number, noun: string, shown = String(count)): string {
  if (count === 1) return `${shown} ${noun}`;
  return `${shown} ${/[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ie` : noun}s`;
}

/**
 * A share in percent, with a true minus sign.
 *
 * @param digits Digits after the point; if undefined, one digit at most.
 */
export function percent(share: number, digits?: number): string {
  if (!Number.isFinite(share)) return 'none';
  const shown = (100 * share).toFixed(digits ?? 1);
  return `${digits === undefined ? Number(shown) : shown} %`.replace('-', '−');
}

/** A size in binary units: `512 B`, `1.5 MiB`, `39 GiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[unit] ?? ''}`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `1 h 20 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
