import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { closeApps, startApp } from './support/app.js'

const run = promisify(execFile)

afterAll(closeApps)

/** The commands of the document this was asked for in, with another port. */
async function curl(url: string, command: string): Promise<string> {
  const { stdout } = await run('bash', [
    '-c',
    command.replace('http://localhost:8000', url).replace('curl', 'curl -sS -i'),
  ])
  return stdout
}

const WITH_KEY = `curl -X POST http://localhost:8000/webhook \\
  -H "X-Idempotency-Key: test-key-123" \\
  -H "Content-Type: application/json" \\
  -d '{"event": "test.event", "data": {"test": "data"}}'`

const WITHOUT_KEY = `curl -X POST http://localhost:8000/webhook \\
  -H "Content-Type: application/json" \\
  -d '{"event": "test.event", "data": {"test": "data"}}'`

const bodyOf = (answer: string) => JSON.parse(answer.split('\r\n\r\n')[1]!)

test('the examples with curl', async () => {
  const { url } = await startApp()
  const first = await curl(url, WITH_KEY)
  expect(first).toMatch(/^HTTP\/1\.1 200 /)
  expect(first).not.toMatch(/x-cached/i)
  expect(bodyOf(first)).toEqual({
    status: 'success',
    message: 'Webhook processed successfully',
    event_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  })

  const second = await curl(url, WITH_KEY)
  expect(second).toMatch(/^x-cached: true\r$/im)
  expect(bodyOf(second)).toEqual(bodyOf(first))

  const record = bodyOf(await curl(url, 'curl http://localhost:8000/webhook/idempotency/test-key-123'))
  expect(record).toMatchObject({
    key: 'test-key-123',
    source: 'default',
    state: 'completed',
    attempts: 1,
    status_code: 200,
  })
  expect(JSON.parse(record.body)).toEqual(bodyOf(first))

  const cleared = await curl(url, 'curl -X DELETE http://localhost:8000/webhook/idempotency/test-key-123')
  expect(bodyOf(cleared)).toEqual({ status: 'cleared', key: 'test-key-123' })
  expect(bodyOf(await curl(url, WITH_KEY)).event_id).not.toBe(bodyOf(first).event_id)

  const unkeyed = [await curl(url, WITHOUT_KEY), await curl(url, WITHOUT_KEY)]
  expect(bodyOf(unkeyed[0]!).event_id).not.toBe(bodyOf(unkeyed[1]!).event_id)
})
