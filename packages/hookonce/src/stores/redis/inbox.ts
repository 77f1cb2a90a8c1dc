import { StoreError } from '../../errors.js'
import { type InboxStore, LOST_ERROR } from '../inbox-store.js'
import type { RecordId } from '../store.js'
import { createQueue } from './claim-due.js'
import { agendaOf, keyOf, queueTagOf, queueTagsOf, streamOf } from './keys.js'
import { scripts } from './lua.generated.js'
import type { Watcher } from './pubsub.js'
import { acceptOutcome, bytesOf, labelled, present } from './record-codec.js'
import type { Commands } from './script-runner.js'

type Inbox = Required<Pick<InboxStore, 'accept' | 'claimDue' | 'redrive' | 'backlog' | 'announceDue' | 'watchDue'>>

/** The operations of {@link InboxStore}. `acknowledged` is called for each new record. */
export function createInbox(
  commands: Commands,
  prefix: string,
  watcher: Watcher,
  acknowledged: (name: string, at: number, retentionMs: number) => void,
): Inbox {
  const { run } = commands
  const queue = createQueue(commands, prefix)
  /** The same channel in a Cluster, because a message reaches all of its servers. */
  const channelOf = (scope: string) => agendaOf(prefix, 'inbox', scope)

  return {
    async accept(request) {
      commands.refuseIfClosed()
      const { scope, fingerprint, label, acceptId, delivery, retentionMs, delayMs, group } = request
      const { isCluster } = commands.client() ?? (await commands.opened())
      const name = keyOf(prefix, request)
      const keys = [name, streamOf(prefix, queueTagOf(isCluster, request), scope)]
      const times = [`${retentionMs}`, `${delayMs}`]
      const args = [acceptId, present(fingerprint), bytesOf(delivery), ...times, present(group), labelled(label)]
      const outcome = await run(scripts.accept, keys, args, acceptOutcome)
      if (outcome?.status === 'accepted') acknowledged(name, outcome.acceptedAt, retentionMs)
      if (outcome !== undefined) return outcome
      throw new StoreError('redis store: a Cluster has no groups: there is no order across its slots', 'refused')
    },

    async claimDue({ scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again = false }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw new StoreError('redis store: claimDue: limit must be 1 to 1000', 'refused')
      }
      commands.refuseIfClosed()
      const { isCluster } = await commands.opened()
      const leased = again ? await queue.leased(isCluster, scope, leaseId, leaseMs) : []
      if (leased.length > 0) return leased
      const attempt = [leaseId, `${leaseMs}`, `${lockTtlMs}`, `${maxLosses}`, present(LOST_ERROR)]
      return queue.claim(isCluster, scope, limit, attempt, leaseMs)
    },

    redrive(id: RecordId, { completed = false, waiting = false } = {}) {
      const outcomes = ['absent', 'redriven', 'busy', 'completed', 'due'] as const
      const args = [completed, waiting].map(option => (option ? '1' : '0'))
      // Sent again, it could redrive a record that was redriven and has settled since.
      return run(scripts.redrive, keyOf(prefix, id), args, code => outcomes[Number(code)]!, { resendable: false })
    },

    async backlog(scope) {
      commands.refuseIfClosed()
      const { isCluster } = await commands.opened()
      const backlogs = await Promise.all(
        queueTagsOf(isCluster).map(tag =>
          run(scripts.backlog, agendaOf(prefix, tag, scope), [], reply => (reply as unknown[]).map(Number)),
        ),
      )
      const sumOf = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0)
      return {
        inLine: sumOf(backlogs.map(([inLine = 0]) => inLine)),
        overdueMs: Math.max(...backlogs.map(([, overdueMs = 0]) => overdueMs)),
        dead: sumOf(backlogs.map(([, , dead = 0]) => dead)),
      }
    },

    announceDue(scope) {
      run(scripts.announce, channelOf(scope), [], () => undefined).catch(() => {})
    },

    watchDue(scope, wake) {
      return watcher.watch(channelOf(scope), wake, false)
    },
  }
}
