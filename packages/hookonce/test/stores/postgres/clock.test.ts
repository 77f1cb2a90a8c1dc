import { expect, test } from 'vitest'
import { admin, open } from './server.js'
import { accept, dueRequest, HOUR, newId, requestOf, until } from './support.js'

/** As if all that was written, and the last look at the clock too, had been before the clock stepped back by an hour. */
async function stepBack(): Promise<void> {
  const times = ['created_at', 'claimed_at', 'lease_ends_at', 'settled_at', 'due_at']
  await admin.query(`UPDATE hookonce.records SET ${times.map(name => `${name} = ${name} + ${HOUR}`).join()}`)
  await admin.query(`UPDATE hookonce.records SET expires_at = expires_at + ${HOUR} WHERE round IS NULL`)
  await admin.query(`UPDATE hookonce.meta SET checked_at = checked_at + ${HOUR}`)
}

test('a lease from before the clock stepped back ends after its own length', async () => {
  const store = await open()
  const [once, renewed] = [newId(), newId()]
  await store.claim(requestOf(once, 'a', { leaseMs: 200 }))
  await store.claim(requestOf(renewed, 'a'))
  await store.renew(renewed, 'a', 200)
  await stepBack()
  for (const id of [once, renewed]) {
    const again = requestOf(id, 'another')
    expect(await store.claim(again)).toEqual({ status: 'running', leaseRemainingMs: 200 })
    await until('the lease to be over', async () => (await store.claim(again)).status === 'acquired')
    expect(await store.get(id)).toMatchObject({ attempts: 2, losses: 1 })
  }
})

test('a shortened lease can be renewed by its holder', async () => {
  const store = await open()
  const id = newId()
  await store.claim(requestOf(id, 'a'))
  await stepBack()
  expect(await store.claim(requestOf(id, 'another'))).toEqual({ status: 'running', leaseRemainingMs: HOUR })
  expect(await store.renew(id, 'a', HOUR)).toBe('renewed')
})

test('due times are corrected after the clock stepped back', async () => {
  const before = await open()
  const [running, failed, redriven, pending, later] = [newId(), newId(), newId(), newId(), newId()]
  for (const id of [running, failed, redriven]) await accept(before, id)
  await before.claimDue(dueRequest({ leaseId: 'a', leaseMs: 200 }))
  await before.fail(failed, 'a', 'it broke', { dueInMs: 200 })
  await before.fail(redriven, 'a', 'it broke', 'dead')
  await before.redrive(redriven)
  await accept(before, pending)
  await before.claim(requestOf(later, 'a'))
  await stepBack()

  const store = await open({ purgeIntervalMs: 100 })
  const taken: string[] = []
  await until('all to be due', async () => {
    taken.push(...(await store.claimDue(dueRequest())).map(({ key }) => key))
    return taken.length >= 4
  })
  expect(taken.sort()).toEqual([running, failed, redriven, pending].map(({ key }) => key).sort())
})
