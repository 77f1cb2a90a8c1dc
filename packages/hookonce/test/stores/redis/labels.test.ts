import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { complete, open, request, server } from './support.js'

/** How versions before the labels read a record: text after text by its length, and then the result. */
function readByEarlier(value: Buffer) {
  const after = (at: number) => at + 4 + value.readUInt32LE(at)
  const told = after(after(50) + 24)
  const end = after(told)
  return { told: value.toString('utf8', told + 4, end), result: value.toString('utf8', end) }
}

async function valuesIn(url: string) {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return async (key: string) => {
    const [name] = await redis.keys(`hookonce:{*}:*${key}`)
    return (await redis.getBuffer(name!))!
  }
}

test('versions without labels find the result of a labelled record', async () => {
  const { url } = await server()
  const store = open(url)
  await store.claim(request('one', { label: 'event' }))
  await store.complete(request('one'), 'lease of one', Buffer.from('result of one'))
  const packed = await valuesIn(url)
  expect(readByEarlier(await packed('one'))).toEqual({ told: '#\x05event', result: 'result of one' })
})

test('a record without a label has the format of versions without labels', async () => {
  const { url } = await server()
  await complete(open(url), 'one')
  const packed = await valuesIn(url)
  expect(readByEarlier(await packed('one'))).toEqual({ told: '', result: 'result of one' })
})
