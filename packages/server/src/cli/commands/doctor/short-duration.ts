const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const

/** `20 min`, `1.5 h`: with a decimal below ten. */
export function shortDuration(ms: number): string {
  const [unit, name] = UNITS.find(([unit]) => ms >= unit) ?? UNITS.at(-1)!
  const value = ms / unit
  return `${value < 10 ? Math.round(10 * value) / 10 : Math.round(value)} ${name}`
}
