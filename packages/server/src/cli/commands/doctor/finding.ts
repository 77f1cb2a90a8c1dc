/** The result of one check. `fix`: what to do about it. */
export interface Finding {
  check: string
  status: 'ok' | 'warn' | 'fail'
  message: string
  fix?: string
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })

export const warn = (check: string, message: string, fix: string): Finding => ({ check, status: 'warn', message, fix })

export const fail = (check: string, message: string, fix: string): Finding => ({ check, status: 'fail', message, fix })

const CLOCK_TOLERANCE_MS = 1_000

interface OtherClock {
  whose: string
  matters: string
}

const STORE: OtherClock = {
  whose: 'the store',
  matters: "the store's decides over leases, this one over signatures' timestamps",
}

/** Compares this machine's clock with another, as precisely as the round trip allows. */
export async function clockFinding(askTime: () => Promise<number>, other: OtherClock = STORE): Promise<Finding> {
  let best = { roundTripMs: Number.POSITIVE_INFINITY, differenceMs: 0 }
  for (let i = 0; i < 3; i++) {
    const sentAt = Date.now()
    const stored = await askTime()
    const roundTripMs = Date.now() - sentAt
    if (roundTripMs < best.roundTripMs) best = { roundTripMs, differenceMs: Date.now() - roundTripMs / 2 - stored }
  }
  const { differenceMs, roundTripMs } = best
  const check = other === STORE ? 'clock' : `clock of ${other.whose}`
  const shown = `${Math.abs(Math.round(differenceMs))} ms ${differenceMs < 0 ? 'behind' : 'ahead of'} ${other.whose}'s`
  return Math.abs(differenceMs) <= CLOCK_TOLERANCE_MS + roundTripMs
    ? ok(check, `this machine's clock is ${shown}`)
    : warn(check, `this machine's clock is ${shown}: ${other.matters}`, 'let both be set by NTP')
}
