// Stands in for API Gateway on your machine: an HTTP server that calls the function with events of payload format 2.0.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { handler } from './handler.js'

const server = createServer(async (req, res) => {
  const { pathname, search } = new URL(req.url, 'http://localhost')
  const result = await handler({
    version: '2.0',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: req.headers,
    requestContext: { http: { method: req.method } },
    body: (await buffer(req)).toString('base64'),
    isBase64Encoded: true,
  })
  res.writeHead(result.statusCode, result.headers).end(result.body, result.isBase64Encoded ? 'base64' : 'utf8')
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
await once(server, 'listening')
console.log(`listening on http://localhost:${server.address().port}`)
