/** /api/v1/backup: the whole store as one archive, while it is being written to. */
import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import { actorOf } from '../auth.js'
import type { ApiDeps, App } from '../deps.js'
import { errorResponses } from '../schemas/common.js'

export function backupRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/backup',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['operations'],
        summary: 'A backup of rows and documents as they are now: a tar, to be checked by `culvert verify`',
        description:
          'One at a time; 503 while another is made. An archive that is cut short is refused by `culvert verify` and `culvert restore`.',
        produces: ['application/x-tar'],
        response: { 200: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }), ...errorResponses },
      },
    },
    async (request, reply) => {
      const archive = deps.backup()
      const at = new Date(deps.now()).toISOString()
      await deps.audit.record({ actor: actorOf(request), action: 'backup.create', subject: at }, [])
      request.log.info({ actor: actorOf(request) }, 'a backup is being made')
      reply.type('application/x-tar')
      reply.header('content-disposition', `attachment; filename="culvert-${at.replace(/[:.]/g, '-')}.tar"`)
      return reply.send(archive)
    },
  )
}
