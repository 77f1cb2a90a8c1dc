/** A `Map`. */
export function open() {
  const records = new Map()
  return {
    take: async (key, attempt) => {
      const record = records.get(key)
      if (record?.result !== undefined) return record.result
      records.set(key, { ...attempt, state: 'running', claimedAt: Date.now() })
    },
    keep: async (key, _attempt, result) => {
      Object.assign(records.get(key), { state: 'completed', result, settledAt: Date.now() })
    },
  }
}
