import { describe, expect, test } from 'vitest'
import { events, id, idempotencyOf } from '../support/engine.js'

describe('run', () => {
  test('runs the work once and gives its value to every later call', async () => {
    const idempotency = idempotencyOf()
    let runs = 0
    const mail = async () => ({ sent: ++runs })
    expect(await idempotency.run(id, mail)).toEqual({ value: { sent: 1 }, replayed: false })
    expect(await idempotency.run(id, mail)).toEqual({ value: { sent: 1 }, replayed: true })
    expect(await idempotency.run({ ...id, scope: 'other' }, mail)).toEqual({ value: { sent: 2 }, replayed: false })
  })

  test('work without a value is replayed as such', async () => {
    const idempotency = idempotencyOf()
    await idempotency.run(id, () => {})
    expect(await idempotency.run(id, () => 'again')).toEqual({ value: undefined, replayed: true })
  })

  test('a throw reaches the caller and gives the key back', async () => {
    const idempotency = idempotencyOf()
    await expect(idempotency.run(id, () => Promise.reject(new Error('boom')))).rejects.toThrow('boom')
    expect(await idempotency.run(id, attempt => attempt.number)).toEqual({ value: 2, replayed: false })
    expect(events).toContainEqual(expect.objectContaining({ type: 'handler_threw', attempt: 1 }))
  })

  test('says why there is no value', async () => {
    const idempotency = idempotencyOf()
    await idempotency.run({ ...id, fingerprint: 'a' }, () => 1)
    await expect(idempotency.run({ ...id, fingerprint: 'b' }, () => 2)).rejects.toMatchObject({
      code: 'ERR_NO_RESULT',
      reason: 'mismatch',
    })
  })

  test.each(['', 'x'.repeat(256), 'a\nb', 'a\0b', '\ud800'])('refuses the key %j', async key => {
    await expect(idempotencyOf().run({ scope: 's', key }, () => 1)).rejects.toMatchObject({ code: 'ERR_INVALID_KEY' })
  })
})
