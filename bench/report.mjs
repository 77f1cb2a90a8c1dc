export const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(values.length * q)]
export const median = values => quantile(values, 0.5)

/** Columns as wide as they must be, numbers to the right. */
export function table(heads, rows) {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(row => row[i].length)))
  const isNumber = heads.map((_, i) => rows.every(row => /^(-?[\d.]+)?$/.test(row[i])))
  const line = row => row.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')
  return `${[heads, ...rows].map(row => line(row).trimEnd()).join('\n')}\n`
}
