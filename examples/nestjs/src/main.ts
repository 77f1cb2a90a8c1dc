import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

const app = await NestFactory.create(AppModule)
// On SIGTERM the application closes, and with it the receiver.
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
console.log(`listening on ${await app.getUrl()}`)
