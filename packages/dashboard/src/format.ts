const SMALL = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 })
const LARGE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** Three digits of what is small, every one of what is large. */
export const count = (value: number): string => (value < 100 ? SMALL : LARGE).format(value)

export const percent = (share: number): string => `${count(share * 100)} %`

/** `0.4 ms`, `350 ms`, `2.4 s`, `5 min`, `3 h`, `7 d`: with two digits where they tell something. */
export function duration(ms: number): string {
  if (ms < 10) return `${SHORT.format(ms)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ] as const
  const [unit, name] = units.find(([unit]) => ms >= unit)!
  const value = ms / unit
  return `${value < 10 ? SHORT.format(value) : Math.round(value)} ${name}`
}

export function bytes(size: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10))
  return `${count(size / 1024 ** power)} ${units[power]}`
}

/** The time of day, and before it the day if it is another one than today. */
export function moment(iso: string, now: number): string {
  const at = new Date(iso)
  const time = TIME.format(at)
  return at.toDateString() === new Date(now).toDateString() ? time : `${DAY.format(at)}, ${time}`
}

/** The reader's zone, in which all times are: `Europe/Berlin, UTC+02:00`. */
export function zone(now: number): string {
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'longOffset' }).formatToParts(now)
  const offset = parts.find(({ type }) => type === 'timeZoneName')?.value.replace('GMT', 'UTC')
  return `${new Intl.DateTimeFormat().resolvedOptions().timeZone}, ${offset}`
}

/** `in 5 min`, `3 s ago`. */
export function distance(iso: string, now: number): string {
  const ms = Date.parse(iso) - now
  if (Math.abs(ms) < 1000) return 'now'
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`
}
