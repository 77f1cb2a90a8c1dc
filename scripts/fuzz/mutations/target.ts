import { SOURCES } from '../sources.js'
import { altered, type Mutation, mutation } from './mutation.js'

const OTHERS = [
  '/',
  '/webhook',
  '/webhook/no-idempotency',
  '/hooks',
  '/hooks/',
  '/hooks/none',
  '/hooks/__proto__',
  '/hooks/default',
  '/healthz',
  '/metrics',
  '/api/records',
  '/api/test',
  '/api/redrive',
  '/api/session',
  '/api/stream',
  '/webhook/idempotency/x',
  '/openapi.json',
  '/dashboard',
  '/dashboard/../../../package.json',
  '/problems/none',
  '*',
  'hooks.example.com:443',
  'http://hooks.example.com',
  '//',
  '/%',
  '/%00',
  '/%c0%af',
  '\\',
]

/** What is asked of whom. */
export const TARGET: readonly Mutation[] = [
  mutation('path spelled otherwise', 8, (draft, { random, event }) => {
    const { name } = event.source
    const [path, query = ''] = draft.target.split(/(?=\?)/s, 2) as [string, string?]
    const hex = name.charCodeAt(0).toString(16)
    const spelled = random.pick([
      `${path}/`,
      `/${path}`,
      `/hooks//${name}`,
      `/hooks/./${name}`,
      `/hooks/x/../${name}`,
      `/hooks/%2e/${name}`,
      `/hooks%2f${name}`,
      `/hooks/%${hex}${name.slice(1)}`,
      `/hooks/%25${hex}${name.slice(1)}`,
      path.toUpperCase(),
      `/Hooks/${name}`,
      `${path};a=b`,
      `${path}%00`,
      `${path}%20`,
      `${path}#x`,
      `\\hooks\\${name}`,
      path.slice(1),
      `http://hooks.example.com${path}`,
      `HTTP://user:pw@hooks.example.com:80${path}`,
      `${path}.json`,
      `/hooks/${'x'.repeat(random.pick([300, 9_000]))}`,
      `${path}%`,
      `${path}\xe4`,
      `/hooks/${name}\t`,
    ])
    draft.target = spelled + query
  }),
  mutation('query changed', 5, (draft, { random }) => {
    const [path, query = ''] = draft.target.split(/(?=\?)/s, 2) as [string, string?]
    draft.target =
      path +
      random.pick([
        '',
        '?',
        '??',
        '?a=1',
        `?${'a=1&'.repeat(100)}`,
        `${query}&`,
        `${query}#`,
        query.toLowerCase(),
        query.replace('=', '%3D'),
        query.replaceAll('%20', '+'),
        `?bodySHA256=${'0'.repeat(64)}`,
        '?hub.mode=subscribe&hub.challenge=x',
        '?%',
        '?__proto__[a]=1',
        altered(query, random),
      ])
  }),
  mutation('another source', 5, (draft, { random, event }) => {
    draft.target = draft.target.replace(event.source.name, random.pick(SOURCES).name)
  }),
  mutation('another path', 3, (draft, { random }) => {
    draft.target = random.pick(OTHERS)
  }),
  mutation('another method', 5, (draft, { random }) => {
    const methods = [
      'GET',
      'HEAD',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'CONNECT',
      'post',
      'Post',
      'POS',
      'POSTT',
      'PRI',
      'M-SEARCH',
      'PROPFIND',
      'QUERY',
      '',
      'PO ST',
      'P\x00ST',
      'GET /x HTTP/1.1\r\nPOST',
    ]
    draft.method = random.pick(methods)
  }),
  mutation('another version', 4, (draft, { random }) => {
    const versions = [
      'HTTP/1.0',
      'HTTP/1.0',
      'HTTP/0.9',
      'HTTP/1.2',
      'HTTP/2.0',
      'HTTP/3',
      'http/1.1',
      'HTTP/1.1 ',
      'HTTP/1.',
      'HTTP/11',
      'HTP/1.1',
      'ICE/1.0',
      'RTSP/1.0',
      '',
      'HTTP/1.1\r',
    ]
    draft.version = random.pick(versions)
  }),
]
