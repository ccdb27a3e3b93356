/**
 * Builds the REST server: plugins, checks, error handler, routes. It never listens; who composes the appliance does.
 * Deny by default, unknown keys refused, one error shape, and everything that devices sent leaves as JSON or CSV alone.
 */
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { addAuthentication } from './auth.js'
import type { ApiDeps, App } from './deps.js'
import { ApiError, handleClientError, handleError } from './errors.js'
import { addStrictInput } from './query.js'
import { auditRoutes } from './routes/audit.js'
import { backupRoutes } from './routes/backup.js'
import { baselineRoutes } from './routes/baselines.js'
import { contextRoutes } from './routes/context.js'
import { coverageRoutes } from './routes/coverage.js'
import { exceptionRoutes } from './routes/exceptions.js'
import { exporterRoutes } from './routes/exporters.js'
import { findingRoutes } from './routes/findings.js'
import { flowRoutes } from './routes/flows.js'
import { lossRoutes } from './routes/losses.js'
import { operationRoutes } from './routes/operations.js'
import { policyReviewRoutes } from './routes/policy-review.js'
import { reportRoutes } from './routes/report.js'
import { tokenRoutes } from './routes/tokens.js'

/** An exception with its longest lists stays below this. */
const BODY_LIMIT_OCTETS = 256 * 1024

/** For a request to arrive in full: a client that dribbles must not hold a socket for ever. */
const REQUEST_TIMEOUT_MILLISECONDS = 30_000

/** Swagger UI's page: its own files alone; its styles are set by script. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

/** The server with all its routes, ready to listen or to be injected into. */
export async function buildServer(deps: ApiDeps): Promise<App> {
  const app: App = Fastify({
    loggerInstance: deps.logger,
    bodyLimit: BODY_LIMIT_OCTETS,
    trustProxy: deps.trustedProxies === undefined ? false : [...deps.trustedProxies],
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true, verbose: true } },
    requestTimeout: REQUEST_TIMEOUT_MILLISECONDS,
    clientErrorHandler: handleClientError,
    // Raised before hooks run, so helmet has not been here.
    frameworkErrors: (error, request, reply) => {
      reply.header('x-content-type-options', 'nosniff')
      handleError(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.removeContentTypeParser('text/plain')
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(handleError)
  const methods = createMethods(app)
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods(request.url)
    if (allowed.length === 0) throw new ApiError('NOT_FOUND', 'no such resource')
    reply.header('allow', allowed.join(', '))
    throw new ApiError('METHOD_NOT_ALLOWED', `this resource takes ${allowed.join(', ')}`)
  })

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"] },
    },
    xFrameOptions: { action: 'deny' },
  })
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  addAuthentication(app, deps)
  addStrictInput(app)
  await addDocumentation(app)

  findingRoutes(app, deps)
  exceptionRoutes(app, deps)
  exporterRoutes(app, deps)
  flowRoutes(app, deps)
  operationRoutes(app, deps)
  backupRoutes(app, deps)
  baselineRoutes(app, deps)
  policyReviewRoutes(app, deps)
  contextRoutes(app, deps)
  coverageRoutes(app, deps)
  reportRoutes(app, deps)
  lossRoutes(app, deps)
  auditRoutes(app, deps)
  tokenRoutes(app, deps)
  return app
}

/** Which methods a path takes, from the routes as they were added. */
function createMethods(app: App): (url: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const source = url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')))
      .join('/')
    routes.push({ pattern: new RegExp(`^${source}$`), methods: [method].flat() })
  })
  return (url) => {
    const path = url.split('?')[0]!
    return [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))]
  }
}

/** The API page and its document; both are of the source, not of the network, and ask for no token. */
async function addDocumentation(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Culvert', version: '1', description: 'Findings, exceptions, exporters and rows.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
  })
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, role: 'public' }
      if (route.schema !== undefined) delete route.schema.querystring
    })
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: DOCS_POLICY,
      uiConfig: { validatorUrl: null, persistAuthorization: false },
    })
  })
  app.get(
    '/api/v1/openapi.json',
    { config: { role: 'public' }, schema: { hide: true } },
    async (_request, reply) => reply.send(app.swagger()),
  )
}
