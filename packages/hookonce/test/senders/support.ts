import type { Answer, HeaderList } from 'hookonce'
import { createReceiver, Delivery, type Handler } from 'hookonce'
import { SENDERS, type Sender, type SenderKind, type SenderOptions } from 'hookonce/senders'
import { memoryStore } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { RECIPES, type Recipe, VARIANTS } from './recipes.js'

/** A sender under test. */
export interface Case {
  title: string
  kind: SenderKind
  recipe: Recipe
}

/** Every sender that has a name, and its variants. @throws {Error} one has no recipe */
export function everySender(): Case[] {
  const named = [...SENDERS].map(([title, kind]) => {
    const recipe = RECIPES[title]
    if (recipe === undefined) throw new Error(`test/senders/recipes.ts says nothing of ${title}`)
    return { title, kind, recipe }
  })
  return [
    ...named,
    ...Object.entries(VARIANTS).map(([title, recipe]) => ({ title, kind: SENDERS.get(recipe.of)!, recipe })),
  ]
}

export const PUBLIC_URL = 'https://hooks.example.com/hooks/x?tenant=a%3Ab'

/** What is sent, before it is on its way. */
export interface Sent {
  headers: HeaderList
  body: Uint8Array
}

/** A store in memory, and how often it was asked anything. */
export function countedStore() {
  let asked = 0
  const store = new Proxy(memoryStore(), {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        asked++
        return member.apply(target, args)
      }
    },
  })
  return { store, asked: () => asked }
}

/** A sender, and a source that takes its deliveries; time passes when `clock` is told. */
export function setUp({ kind, recipe }: Case) {
  const clock = new ManualClock()
  const secret = recipe.secret()
  const given = (of: string) => recipe.publicHalf?.(of) ?? of
  const create = (secrets: string[]): Sender => {
    const options: SenderOptions = { secrets, publicUrl: PUBLIC_URL, verifyToken: 'a verify token' }
    return recipe.create?.(options) ?? kind.create(options)
  }

  const { store, asked } = countedStore()
  const receiver = createReceiver({ store, clock })
  const source = (...secrets: string[]) => receiver.source({ name: 'x', sender: create(secrets.map(given)) })
  const hooks = source(secret)

  const statuses: number[] = []
  const handler: Handler & { runs: number } = Object.assign(
    async () => ({ status: statuses.shift() ?? 200, headers: [], body: Buffer.from(`run ${++handler.runs}`) }),
    { runs: 0 },
  )

  const delivery = ({ headers, body }: Sent) =>
    new Delivery({ method: 'POST', url: '/hooks/x?tenant=a%3Ab', headers, body })

  return {
    clock,
    secret,
    handler,
    /** What the handler answers next, before it goes on with 200. */
    statuses,
    source,
    sender: create([given(secret)]),
    asked,
    close: () => store.close(),
    /** As the sender does it, now. */
    send(
      id: string,
      { by = secret, now = clock.now(), body = Buffer.from(kind.examples({ id, now })[0]!.body) as Uint8Array } = {},
    ): Sent {
      const url = PUBLIC_URL
      const signed = create([by]).sign({ method: 'POST', url, body, id, now })
      return { headers: [['content-type', kind.examples({ id, now })[0]!.contentType], ...signed], body }
    },
    delivery,
    receive: (sent: Sent, at = hooks): Promise<Answer> => at.receive(delivery(sent), handler),
  }
}

export const isReplay = (answer: Answer): boolean => answer.headers.some(([name]) => name === 'x-cached')

/** Names of the headers whose values differ. */
export function differing(one: Sent, other: Sent): string[] {
  const values = new Map(other.headers)
  return one.headers.filter(([name, value]) => values.get(name) !== value).map(([name]) => name)
}

export const headerOf = (sent: Sent, header: string): string => sent.headers.find(([name]) => name === header)![1]

/** With another value for a header. */
export const withHeader = (sent: Sent, name: string, change: (value: string) => string): Sent => ({
  ...sent,
  headers: sent.headers.map(([each, value]) => [each, each === name ? change(value) : value] as const),
})

export const withoutHeader = (sent: Sent, name: string): Sent => ({
  ...sent,
  headers: sent.headers.filter(([each]) => each !== name),
})

export const doubled = (sent: Sent, name: string): Sent => ({
  ...sent,
  headers: sent.headers.flatMap(each => (each[0] === name ? [each, each] : [each])),
})
