import { ConfigurationError } from 'hookonce'
import { SENDERS, square } from 'hookonce/senders'
import { expect, test } from 'vitest'
import { signed, URL_TOLD } from './signed.js'

const by = (url: string) => square({ secrets: ['key'], url })

test('the URL counts letter for letter, and not the one that the delivery came by', () => {
  const sent = signed(by(URL_TOLD), { url: 'https://hooks.example.com/elsewhere' })
  expect(by(URL_TOLD).verify(sent, 0)).toBeNull()
  for (const url of [
    `${URL_TOLD}/`,
    `${URL_TOLD}?`,
    URL_TOLD.replace('https', 'http'),
    URL_TOLD.replace('.com', '.com:443'),
  ]) {
    expect(by(url).verify(sent, 0), url).toBe('signature_wrong')
  }
})

test('the URL must be known', () => {
  expect(() => SENDERS.get('square')!.create({ secrets: ['key'] })).toThrow(ConfigurationError)
  expect(() => by('hooks.example.com')).toThrow(ConfigurationError)
})
