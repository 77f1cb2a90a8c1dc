import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { deliver } from './support/deliver.js'
import { lock } from './support/lock.js'
import { newStoreFile, startServer } from './support/server.js'
import { until } from './support/until.js'
import { startUpstream, type Upstream } from './support/upstream.js'

const settings = (upstream: Upstream, file: string) => ({
  HOOKONCE_STORE_URL: `sqlite:${file}`,
  HOOKONCE_FORWARD_TO: upstream.url,
  HOOKONCE_LEASE_SECONDS: 1.5,
  HOOKONCE_STORE_TIMEOUT_SECONDS: 0.4,
})

test('after a kill before the claim was written, a delivery has no record', async () => {
  const upstream = await startUpstream()
  const file = newStoreFile()
  const patient = { ...settings(upstream, file), HOOKONCE_LEASE_SECONDS: 15, HOOKONCE_STORE_TIMEOUT_SECONDS: 5 }
  const killed = await startServer(patient)
  const release = await lock(file)
  const lost = expect(deliver(killed, 'k')).rejects.toThrow()
  await send(`${killed.url}/health`, { method: 'GET' })
  await killed.kill()
  await lost
  release()

  const server = await startServer(patient)
  expect((await deliver(server, 'k')).status).toBe(200)
  expect(upstream.calls.map(({ attempt }) => attempt)).toEqual([1])
})

test('after a kill before the result was recorded, a key runs again', async () => {
  const upstream = await startUpstream({ takes: ({ attempt }) => (attempt === 1 ? 'held' : 0) })
  const file = newStoreFile()
  const killed = await startServer(settings(upstream, file))
  const lost = expect(deliver(killed, 'k')).rejects.toThrow()
  await until('the upstream works', () => upstream.calls.length === 1)
  const release = await lock(file)
  upstream.calls[0]!.answer()
  await until('the answer cannot be recorded', () =>
    killed.logged('store failed').some(({ operation }) => operation === 'complete'),
  )
  await killed.kill()
  await lost
  release()

  const server = await startServer(settings(upstream, file))
  const answer = await deliver(server, 'k')
  expect(upstream.calls.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(answer.body).toEqual(upstream.calls[1]!.result)
})
