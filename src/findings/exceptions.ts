/**
 * Keeps exceptions. Every change goes through here, is written together with its audit entry, and asks for the version
 * that the writer has seen. All of them are held in memory: they are few, and every read of a finding needs them.
 */
import { ApplianceError } from '../errors.js'
import type { DocumentOperation, Documents } from '../store/documents.js'
import type { Audit, AuditAction } from './audit.js'
import {
  checkException,
  type ExceptionInput,
  type ExceptionState,
  exceptionState,
  type StoredException,
} from './exception.js'
import { EXCEPTION_BY_NUMBER, EXCEPTION_COUNTER, sortable } from './keys.js'
import { createSerial } from './serial.js'

/** Who makes a change, and which version they have seen. */
export type ExceptionChange = { readonly by: string; readonly version?: number | undefined }

/** Keeps exceptions and knows which of them act. */
export type ExceptionRepository = {
  /** All exceptions, oldest first. */
  all(): Promise<readonly StoredException[]>
  get(id: string): Promise<StoredException | undefined>
  /** Those that act now. */
  active(): Promise<StoredException[]>
  state(exception: StoredException): ExceptionState
  create(input: ExceptionInput, change: ExceptionChange): Promise<StoredException>
  /** Replaces what a person gave; an approval does not survive it. */
  replace(id: string, input: ExceptionInput, change: ExceptionChange): Promise<StoredException>
  /** Approves the exception as it is; nobody approves their own. */
  approve(id: string, change: ExceptionChange): Promise<StoredException>
  delete(id: string, change: ExceptionChange): Promise<void>
  /** Order of creation, for paging. */
  number(id: string): number
}

/** Each read of a finding costs a test of every one of them. */
const MAX_EXCEPTIONS = 5000

/** Makes the repository; it reads what is kept on its first use. */
export function createExceptions(options: {
  documents: Documents
  audit: Audit
  now: () => number
  /** Exceptions act only once a second person approved them. */
  requireApproval?: boolean
}): ExceptionRepository {
  const { documents, audit, now, requireApproval = false } = options
  const serial = createSerial()
  let loading: Promise<Map<string, StoredException>> | undefined

  const load = async () => {
    const exceptions = new Map<string, StoredException>()
    for await (const [, exception] of documents.list<StoredException>(EXCEPTION_BY_NUMBER)) {
      exceptions.set(exception.id, exception)
    }
    return exceptions
  }
  const held = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }

  const state = (exception: StoredException) => exceptionState(exception, now(), requireApproval)

  async function existing(id: string, version: number | undefined): Promise<StoredException> {
    const exception = (await held()).get(id)
    if (exception === undefined) throw new ApplianceError('NOT_FOUND', 'no such exception')
    if (version !== undefined && version !== exception.version) {
      throw new ApplianceError('CONFLICT', 'the exception has changed since it was read')
    }
    return exception
  }

  async function write(
    action: AuditAction,
    by: string,
    before: StoredException | undefined,
    after: StoredException | undefined,
    more: DocumentOperation[] = [],
  ) {
    const { id } = (after ?? before)!
    const key = EXCEPTION_BY_NUMBER + sortable(numberOf(id))
    const operation: DocumentOperation =
      after === undefined ? { type: 'delete', key } : { type: 'put', key, value: after }
    const sides = {
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    }
    await audit.record({ actor: by, action, subject: id, ...sides }, [operation, ...more])
    const exceptions = await held()
    if (after === undefined) exceptions.delete(id)
    else exceptions.set(id, after)
  }

  function checked(input: ExceptionInput, previous?: StoredException): ExceptionInput {
    const problems = checkException(input, now(), previous)
    if (problems.length === 0) return input
    const text = problems.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')
    throw new ApplianceError('INVALID', text)
  }

  return {
    all: async () => [...(await held()).values()],
    get: async (id) => (await held()).get(id),
    active: async () => [...(await held()).values()].filter((exception) => state(exception) === 'active'),
    state,
    number: numberOf,

    create(input, { by }) {
      return serial(async () => {
        checked(input)
        if ((await held()).size >= MAX_EXCEPTIONS) {
          throw new ApplianceError('INVALID', `there are ${MAX_EXCEPTIONS} exceptions: delete some first`)
        }
        const counter = (await documents.get<number>(EXCEPTION_COUNTER)) ?? 0
        const number = Math.max(counter, ...[...(await held()).keys()].map(numberOf)) + 1
        const time = now()
        const exception: StoredException = {
          ...input,
          enabled: input.enabled ?? true,
          id: `exception-${number}`,
          version: 1,
          requester: by,
          createdAtMilliseconds: time,
          updatedAtMilliseconds: time,
        }
        const counted: DocumentOperation = { type: 'put', key: EXCEPTION_COUNTER, value: number }
        await write('exception.create', by, undefined, exception, [counted])
        return exception
      })
    },

    replace(id, input, { by, version }) {
      return serial(async () => {
        const before = await existing(id, version)
        const exception: StoredException = {
          ...checked(input, before),
          enabled: input.enabled ?? true,
          id,
          version: before.version + 1,
          requester: by,
          createdAtMilliseconds: before.createdAtMilliseconds,
          updatedAtMilliseconds: now(),
        }
        await write('exception.update', by, before, exception)
        return exception
      })
    },

    approve(id, { by, version }) {
      return serial(async () => {
        const before = await existing(id, version)
        if (before.requester === by) {
          throw new ApplianceError('INVALID', 'the approver must be another than the requester')
        }
        const exception: StoredException = {
          ...before,
          approver: by,
          version: before.version + 1,
          updatedAtMilliseconds: now(),
        }
        await write('exception.approve', by, before, exception)
        return exception
      })
    },

    delete(id, { by, version }) {
      return serial(async () => {
        await write('exception.delete', by, await existing(id, version), undefined)
      })
    },
  }
}

/** Ids are `exception-` and a number that is never used again; 0 for what is no such id. */
function numberOf(id: string): number {
  const match = /^exception-([1-9]\d{0,14})$/.exec(id)
  return match === null ? 0 : Number(match[1])
}
