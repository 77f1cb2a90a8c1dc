/** Deliveries per second, in rounds that measure everybody in turn. */
import { COMPLETED_KEYS, PEERS, rate } from './contenders.mjs'
import { median, table } from './report.mjs'

/** Of one round, by kind of delivery and by who answered it. */
async function measureRound(round, urls, { seconds, connections, random }) {
  // Whoever is measured first in one round is last in the next.
  const order = round % 2 === 0 ? Object.entries(urls) : Object.entries(urls).reverse()
  const rates = { first: {}, duplicate: {} }
  for (const [who, url] of order) {
    rates.first[who] = await rate({ url, connections, seconds, random, prefix: `round-${round}` })
  }
  for (const [who, url] of order) {
    rates.duplicate[who] = await rate({
      url,
      connections,
      seconds,
      prefix: 'completed',
      keys: COMPLETED_KEYS,
      cached: true,
    })
  }
  rates.none = await rate({ url: urls.hookonce, path: '/webhook/no-idempotency', connections, seconds, prefix: 'none' })
  return rates
}

/** `contenders`: URLs by name, by store. */
export async function measureThroughput(contenders, { rounds, ...how }) {
  const measured = Object.fromEntries(Object.keys(contenders).map(kind => [kind, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [kind, urls] of Object.entries(contenders)) measured[kind].push(await measureRound(round, urls, how))
    process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  }
  for (const [kind, rounds] of Object.entries(measured)) printStore(kind, rounds)
}

function printStore(kind, rounds) {
  const perSecond = of => String(Math.round(median(rounds.map(of))))
  const ratio = (of, to) => median(rounds.map(round => of(round) / to(round))).toFixed(2)
  const none = round => round.none
  const rows = ['first', 'duplicate'].flatMap(delivery =>
    Object.keys(rounds[0][delivery]).map(who => {
      const own = round => round[delivery][who]
      const floor = round => round[delivery].floor
      const ofNone = who in PEERS || who === 'floor' ? '' : ratio(own, none)
      return [kind, who, delivery, perSecond(own), ratio(own, floor), ofNone]
    }),
  )
  rows.push([kind, 'hookonce', 'no key', perSecond(none), '', ''])
  console.log(table(['store', 'who', 'deliveries', 'per s', 'of the floor', 'of no idempotency'], rows))
}
