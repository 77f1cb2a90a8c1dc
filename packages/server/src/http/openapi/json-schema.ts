/** The parts that JSON Schemas are made of. */
export const nullable = (type: string, more: object = {}) => ({ type: [type, 'null'], ...more })
export const TEXT = { type: 'string' }
export const INTEGER = { type: 'integer' }
export const NUMBER = { type: 'number' }
export const TIME = { type: 'string', format: 'date-time' }
export const OPTIONAL_TIME = nullable('string', { format: 'date-time' })

export const object = (properties: Record<string, object>, optional: string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter(name => !optional.includes(name)),
})
