/** The sum, or `null` if one of the numbers is not known: what is not known is no 0. */
export const sumKnown = (numbers: (number | null)[]): number | null =>
  numbers.reduce((sum, number) => (sum === null || number === null ? null : sum + number), 0 as number | null)
