/** A worker thread that groups what arrived together. */
import { Worker } from 'node:worker_threads'

export function open(path) {
  const worker = new Worker(new URL('./sqlite-worker.mjs', import.meta.url), { workerData: path })
  const waiting = new Map()
  let lastId = 0
  let outgoing
  worker.on('message', answers => {
    for (const [id, answer] of answers) {
      waiting.get(id)(answer)
      waiting.delete(id)
    }
  })
  const ask = (key, columns) =>
    new Promise(resolve => {
      const id = ++lastId
      waiting.set(id, resolve)
      if (outgoing === undefined) {
        outgoing = []
        setImmediate(() => {
          worker.postMessage(outgoing)
          outgoing = undefined
        })
      }
      outgoing.push([id, key, columns])
    })
  return { take: ask, keep: (key, _attempt, result) => ask(key, { result }) }
}
