import { ConfigurationError, checkConnectionUrl } from 'hookonce'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { expect, test } from 'vitest'

const MISREAD = [
  'redis://app:u@pw#1@127.0.0.1:6379',
  'redis://app:pw/1@127.0.0.1',
  'redis://app:12/pw@127.0.0.1',
  'redis://app:u@pw/1@127.0.0.1',
  'redis://app:u@pw?1@127.0.0.1',
  'redis://app:12?pw@127.0.0.1',
  'redis://:pw?a=b@127.0.0.1',
  'redis://app:pw100%@127.0.0.1',
  'redis://127.0.0.1:6379#pw',
  'postgres://app:u@pw#1@127.0.0.1/app',
  'postgres://app:pw@127.0.0.1/app?a=b&pw@1',
]

test.each(MISREAD)('a URL that is misread is refused, and the message does not show it: %s', url => {
  expect(() => checkConnectionUrl(url, 'the URL')).toThrow(ConfigurationError)
  expect(() => checkConnectionUrl(url, 'the URL')).toThrow(/^the URL: (?!.*(pw|app|127)).*percent-encoded/)
  const make = () => (url.startsWith('redis') ? redisStore(url) : postgresStore(url))
  expect(make).toThrow(/^(?!.*(pw|app|127)).*percent-encoded/)
})

test('so is a URL to listen at', () => {
  expect(() => postgresStore('postgres://127.0.0.1/app', { listen: MISREAD[9]! })).toThrow(/listen: .*percent-encoded/)
})

test.each([
  'redis://127.0.0.1:6379/1',
  'redis://app:pw@127.0.0.1:6379',
  'rediss://:u%40pw%231%2F@[::1]:6379/0',
  // What stands before the last @ of the first part is user and password.
  'redis://app:u@pw@127.0.0.1:6379',
  'postgres://app@/app?host=/var/run/postgresql',
  'postgres:///app',
  'postgres://app:pw@127.0.0.1/app?user=me@server&application_name=a@b',
  'postgres://app:pw@%2Fvar%2Frun/app',
])('what is meant as it is read stays: %s', url => {
  expect(() => checkConnectionUrl(url, 'the URL')).not.toThrow()
})
