import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'

interface Options {
  headers?: Record<string, string>
  body?: string
  status?: number
}

/** Delivers twice under one key: the first delivery runs, the second gets the same answer, byte for byte. */
export async function deliverTwice(url: string, options: Options = {}): Promise<void> {
  const { body = '{"order":"a"}', status = 201 } = options
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...options.headers }
  const deliver = async () => {
    const response = await fetch(url, { method: 'POST', body, headers })
    const replayed = response.headers.get('idempotent-replayed')
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
      replayed,
    }
  }
  const first = await deliver()
  expect(first).toMatchObject({ status, replayed: null })
  expect(first.body).not.toBe('')
  expect(await deliver()).toEqual({ ...first, replayed: 'true' })
}
