import { memoryJournal, memoryStore } from 'hookonce/stores/memory'
import { afterAll, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'

afterAll(closeApps)

const ANSWERS = ['', 'first', 'x'.repeat(5000)]

async function started() {
  const handle = (_: unknown, { number }: { number: number }) =>
    new Response(ANSWERS[number] ?? '', { status: 500 + number })
  const app = await startApp({ sources: { inline: { handle }, hidden: { handle, recordBody: false } } })
  const deliver = (source: string) =>
    send(`${app.url}/hooks/${source}`, { headers: { 'x-idempotency-key': 'key-1' }, body: '{}' })
  const answerOf = async (source: string) =>
    (await send(`${app.url}/api/record?source=${source}&key=key-1`, { method: 'GET' })).json.failed_answer
  return { deliver, answerOf }
}

test('a record shows the beginning of the last answer that failed an attempt', async () => {
  const { deliver, answerOf } = await started()
  await deliver('inline')
  await expect
    .poll(() => answerOf('inline'), { timeout: 30_000 })
    .toMatchObject({
      ...{ attempt: 1, status: 501, body: 'first', body_encoding: 'utf8', bytes: 5 },
    })
  await deliver('inline')
  await expect
    .poll(() => answerOf('inline'), { timeout: 30_000 })
    .toMatchObject({
      ...{ attempt: 2, status: 502, body: 'x'.repeat(2048), bytes: 5000 },
    })
})

test('of a source that hides bodies only the facts are kept', async () => {
  const { deliver, answerOf } = await started()
  await deliver('hidden')
  await expect
    .poll(() => answerOf('hidden'), { timeout: 30_000 })
    .toMatchObject({ attempt: 1, status: 501, body: null, bytes: 5 })
})

test('a record is shown although what is kept beside it cannot be read', async () => {
  const away = () => Promise.reject(new Error('permission denied for table journal'))
  const journal = { ...memoryJournal(), read: away, find: away }
  const app = await startApp({ store: { ...memoryStore(), journal } })
  await send(`${app.url}/webhook`, { headers: { 'x-idempotency-key': 'key-1' }, body: '{}' })
  const { status, json } = await send(`${app.url}/api/record?key=key-1`, { method: 'GET' })
  expect([status, json.state, json.duplicates]).toEqual([200, 'completed', undefined])
})
