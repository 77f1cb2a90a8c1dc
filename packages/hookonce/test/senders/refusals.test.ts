import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { type Answer, EVENTS_CHANNEL } from 'hookonce'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import {
  differing,
  doubled,
  everySender,
  headerOf,
  isReplay,
  type Sent,
  setUp,
  withHeader,
  withoutHeader,
} from './support.js'

/** All that was published or warned of; secrets must not be in it. */
let said: unknown[]
const listen = (message: unknown) => void said.push(message)
beforeEach(() => {
  said = []
  subscribe(EVENTS_CHANNEL, listen)
  process.on('warning', listen)
})
afterEach(() => {
  unsubscribe(EVENTS_CHANNEL, listen)
  process.off('warning', listen)
})

const all = (values: unknown[]) => inspect(values, { depth: 10, maxStringLength: null })

for (const subject of everySender())
  describe(subject.title, () => {
    const { recipe } = subject
    let x: ReturnType<typeof setUp>
    let sent: Sent
    /** The headers that the secret, the time, and the event's name are told by. */
    let signature: string
    let timestamps: string[]
    let ids: string[]
    const secrets: string[] = []

    beforeEach(() => {
      x = setUp(subject)
      sent = x.send('id-1')
      const { body } = sent
      const another = recipe.secret()
      secrets.splice(0, secrets.length, x.secret, another)
      const bySecret = differing(sent, x.send('id-1', { by: another, body }))
      expect(bySecret).toHaveLength(1)
      signature = bySecret[0]!
      timestamps = differing(sent, x.send('id-1', { now: x.clock.now() + 1_000, body })).filter(n => n !== signature)
      const other = x.send('id-2', { body })
      const keyOf = (each: Sent) => x.sender.key(x.delivery(each))
      ids = differing(sent, other).filter(name => {
        return name !== signature && keyOf(withHeader(sent, name, () => headerOf(other, name))) !== keyOf(sent)
      })
    })
    afterEach(async () => {
      // Warnings come on the next turn.
      await flush()
      for (const secret of secrets) expect(all(said)).not.toContain(secret)
      await x.close()
    })

    /** None of it is taken, the store is not asked, and nothing is given away. */
    async function refuses(forged: Iterable<readonly [what: string, sent: Sent]>, statuses = [401]) {
      for (const [what, each] of forged) {
        const answer = await x.receive(each)
        expect([what, statuses.includes(answer.status) || answer.status]).toEqual([what, true])
        tellsNothing(answer)
      }
      expect([x.handler.runs, x.asked()]).toEqual([0, 0])
    }

    function tellsNothing(answer: Answer) {
      const told = all([answer.headers, Buffer.from(answer.body).toString()])
      for (const secret of secrets) expect(told).not.toContain(secret)
    }

    const changed = (change: (value: string) => string) => withHeader(sent, signature, change)

    test('refuses what was signed with another secret', () =>
      refuses([['another secret', x.send('id-1', { by: recipe.secret() })]]))

    if (!recipe.signsNothing)
      test('refuses another body under the same signature', () => {
        const middle = sent.body.length >> 1
        const flipped = Buffer.from(sent.body)
        flipped[middle]! ^= 1
        return refuses([
          ['appended', { ...sent, body: Buffer.concat([sent.body, Buffer.from(' ')]) }],
          ['cut', { ...sent, body: sent.body.subarray(0, -1) }],
          ['flipped', { ...sent, body: flipped }],
          ['empty', { ...sent, body: new Uint8Array() }],
        ])
      })

    if (recipe.timestamp === 'header')
      test('refuses another timestamp under the same signature', () => {
        const later = x.send('id-1', { now: x.clock.now() + 1_000, body: sent.body })
        const times = (at: number) => [String(Math.floor(at / 1_000)), new Date(at).toISOString().slice(0, 19)]
        const [now, then] = [times(x.clock.now()), times(x.clock.now() + 1_000)]
        const moved = sent.headers.map(([name, value]) => {
          return [name, now.reduce((text, time, at) => text.replace(time, then[at]!), value)] as const
        })
        // All that is left of `sent` in it is the signature.
        expect(differing({ ...sent, headers: moved }, sent).length).toBeGreaterThan(0)
        expect(differing({ ...sent, headers: moved }, later)).toEqual([signature])
        const malformed = timestamps.flatMap(name =>
          ['', 'now', '-1', '1e9', '0x10', ' ', '1'.repeat(400)].map(
            time => [`${name}: ${time}`, withHeader(sent, name, () => time)] as const,
          ),
        )
        return refuses([['later', { ...sent, headers: moved }], ...malformed])
      })

    if (recipe.timestamp !== undefined)
      test('refuses what was sent long ago, or is yet to come', () => {
        const twoDays = 2 * 86_400_000
        return refuses([
          ['old', x.send('id-1', { now: x.clock.now() - twoDays })],
          ['new', x.send('id-1', { now: x.clock.now() + twoDays })],
        ])
      })

    if (recipe.timestamp === undefined)
      test('has no timestamp: a signature never gets old', async () => {
        await x.clock.advance(400 * 86_400_000)
        expect((await x.receive(sent)).status).toBe(x.sender.success?.[0] ?? 200)
      })

    test('refuses a missing header', () =>
      refuses([signature, ...timestamps].map(name => [name, withoutHeader(sent, name)] as const)))

    test('refuses a header that is there twice', async () => {
      await refuses([signature, ...timestamps].map(name => [name, doubled(sent, name)] as const))
      await refuses(
        ids.map(name => [name, doubled(sent, name)] as const),
        [400, 401],
      )
    })

    test('refuses a signature cut short, drawn out or empty', () => {
      const shapes: [string, (value: string) => string][] = [
        ['empty', () => ''],
        ['without its end', value => value.slice(0, -1)],
        ['half', value => value.slice(0, value.length >> 1)],
        ['and 0', value => `${value}0`],
        ['long', value => value + 'A'.repeat(100_000)],
        ['another', value => 'A'.repeat(value.length)],
      ]
      return refuses(shapes.map(([what, change]) => [what, changed(change)] as const))
    })

    test('refuses a signature that is written otherwise', () => {
      const tail = (change: (text: string) => string) => (value: string) =>
        value.slice(0, -24) + change(value.slice(-24))
      const shapes: [string, (value: string) => string][] = [
        ['upper case', tail(text => text.toUpperCase())],
        ['lower case', tail(text => text.toLowerCase())],
        ['without padding', value => value.replace(/=+$/, '')],
        ['more padding', value => `${value}=`],
        ['base64url', tail(text => text.replaceAll('+', '-').replaceAll('/', '_'))],
        ['unused bits', value => value.replace(/[A-Za-z0-9+/](?==+$)/, last => neighbour(last))],
        ['white space within', value => `${value.slice(0, -3)} ${value.slice(-3)}`],
      ]
      const forged = shapes.map(([what, change]) => [what, changed(change)] as const)
      return refuses(forged.filter(([, each]) => differing(each, sent).length > 0))
    })

    test('refuses a hundred signatures, the right one among them', () =>
      refuses(
        [recipe.list ?? ',', ', ', ' '].map(by => [`by “${by}”`, changed(value => many(value, 100, by))] as const),
      ))

    if (recipe.list !== undefined)
      test('takes one right signature of several', async () => {
        const answer = await x.receive(changed(value => many(value, 3, recipe.list!)))
        expect([answer.status, x.handler.runs]).toEqual([x.sender.success?.[0] ?? 200, 1])
      })

    test('runs what the sender signed, once', async () => {
      const [first, second] = [await x.receive(sent), await x.receive(sent)]
      expect([first, second].map(({ status }) => status)).toEqual(Array(2).fill(x.sender.success?.[0] ?? 200))
      expect([isReplay(first), isReplay(second), x.handler.runs]).toEqual([false, true, 1])
      tellsNothing(first)
    })

    test('distinguishes two events', async () => {
      await x.receive(sent)
      await x.receive(x.send('id-2'))
      expect(x.handler.runs).toBe(2)
    })

    test('takes a retry with a new timestamp and signature for the duplicate that it is', async () => {
      await x.receive(sent)
      await x.clock.advance(20_000)
      const answer = await x.receive(x.send('id-1', { body: sent.body }))
      expect([isReplay(answer), x.handler.runs]).toEqual([true, 1])
    })

    test('runs again what failed', async () => {
      x.statuses.push(500)
      expect((await x.receive(sent)).status).toBe(500)
      await x.clock.advance(20_000)
      expect((await x.receive(x.send('id-1', { body: sent.body }))).status).toBe(x.sender.success?.[0] ?? 200)
      expect(x.handler.runs).toBe(2)
    })

    if (!recipe.readsGenericKeys)
      test('reads no key but its own', async () => {
        await x.receive(sent)
        for (const name of ['x-idempotency-key', 'idempotency-key', 'webhook-id']) {
          if (sent.headers.some(([each]) => each === name)) continue
          await x.receive({ ...sent, headers: [...sent.headers, [name, 'another']] })
          expect([name, x.handler.runs]).toEqual([name, 1])
        }
      })

    if (recipe.readsGenericKeys && recipe.signsNothing)
      test('refuses key headers that disagree', () =>
        refuses([['two keys', { ...sent, headers: [...sent.headers, ['x-idempotency-key', 'another']] }]], [400]))

    if (!recipe.signsNothing)
      test('does not run a captured body under another key', async () => {
        await x.receive(sent)
        const other = x.send('id-2', { body: sent.body })
        const forged = [
          ids.reduce((each, name) => withHeader(each, name, () => headerOf(other, name)), sent),
          ids.reduce(withoutHeader, sent),
          ids.reduce(doubled, sent),
        ]
        for (const each of forged) await x.receive(each)
        expect(x.handler.runs).toBe(1)
      })

    if (!recipe.signsNothing)
      test('is named by nothing that it does not sign', () => {
        const { headers, body } = sent
        const others = ['content-type', 'x-hookless', 'idempotency-key', 'x-shopify-topic', 'x-github-event']
        const named = [...new Set([...headers.map(([name]) => name), ...others])]
        const unsigned = named.flatMap(name => [
          { headers: headers.filter(([each]) => each !== name), body },
          { headers: [...headers.filter(([each]) => each !== name), [name, 'another'] as const], body },
          { headers: [...headers, [name, 'another'] as const], body },
          { headers: [[name, 'another'] as const, ...headers], body },
        ])
        const key = x.sender.key(x.delivery(sent))
        let taken = 0
        for (const each of unsigned) {
          const delivery = x.delivery(each)
          if (x.sender.verify(delivery, x.clock.now()) !== null) continue
          taken++
          expect(x.sender.key(delivery)).toBe(key)
        }
        expect(taken).toBeGreaterThan(named.length)
      })

    if (recipe.signsNothing)
      test('does not protect the content: the secret allows any', async () => {
        await x.receive({ ...sent, body: Buffer.from('{"forged":true}') })
        expect(x.handler.runs).toBe(1)
      })

    test('takes the old and the new secret while one is replaced, then the new one alone', async () => {
      const [old, fresh] = [x.secret, recipe.secret()]
      const success = x.sender.success?.[0] ?? 200
      const both = x.source(fresh, old)
      const statuses = async (source: typeof both, names: string[]) => [
        (await x.receive(x.send(names[0]!, { by: old }), source)).status,
        (await x.receive(x.send(names[1]!, { by: fresh }), source)).status,
      ]
      expect(await statuses(both, ['a', 'b'])).toEqual([success, success])
      expect(await statuses(x.source(fresh), ['c', 'd'])).toEqual([401, success])
    })
  })

/** The last signature of a header, after `count - 1` wrong ones. */
function many(value: string, count: number, by: string): string {
  const parts = value.split(by)
  const right = parts.pop()!
  const wrong = right.slice(0, -8) + (right.endsWith('00000000') ? '11111111' : '00000000')
  return [...parts, ...Array(count - 1).fill(wrong), right].join(by)
}

/** Another letter for the same bytes, where the last one has bits to spare. */
function neighbour(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return letters[letters.indexOf(letter) ^ 1]!
}
