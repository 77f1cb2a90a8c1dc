import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'vitest'

const run = promisify(execFile)

const WITH_KEY = `curl -X POST http://localhost:8000/webhook \\
  -H "X-Idempotency-Key: test-key-123" \\
  -H "Content-Type: application/json" \\
  -d '{"event": "test.event", "data": {"test": "data"}}'`

const WITHOUT_KEY = WITH_KEY.replace(/-H "X-Idempotency-Key.*\n */, '')

/** The README's commands, with another port: each does what is said there. */
export async function walk(url: string): Promise<void> {
  const ask = async (command: string) => {
    const line = command
      .replace('http://localhost:8000', url)
      .replace('curl', 'curl --silent --show-error --include --max-time 20')
    const { stdout } = await run('bash', ['-c', line])
    const [head, body] = stdout.split('\r\n\r\n')
    return { head: head!, body: body!, json: JSON.parse(body!) }
  }

  const first = await ask(WITH_KEY)
  expect(first.head).toMatch(/^HTTP\/1\.1 200 /)
  expect(first.head).not.toMatch(/x-cached/i)
  expect(first.json).toMatchObject({ status: 'success', event_id: expect.any(String) })

  const duplicate = await ask(WITH_KEY)
  expect(duplicate.head).toMatch(/^x-cached: true\r?$/im)
  expect(duplicate.body).toBe(first.body)

  const unkeyed = [await ask(WITHOUT_KEY), await ask(WITHOUT_KEY)]
  expect(unkeyed[0]!.json.event_id).not.toBe(unkeyed[1]!.json.event_id)

  const record = await ask('curl http://localhost:8000/webhook/idempotency/test-key-123')
  expect(record.json).toMatchObject({ key: 'test-key-123', state: 'completed', body: first.body })
  const cleared = await ask('curl -X DELETE http://localhost:8000/webhook/idempotency/test-key-123')
  expect(cleared.json).toEqual({ status: 'cleared', key: 'test-key-123' })

  const again = await ask(WITH_KEY)
  expect(again.head).not.toMatch(/x-cached/i)
  expect(again.json.event_id).not.toBe(first.json.event_id)
}
