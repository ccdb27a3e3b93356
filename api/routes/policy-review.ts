/** /api/v1/policy-review: what is allowed and unused, and what is used and nobody answers for. */
import { Type } from 'typebox'
import { PolicyReview } from '#core/context/policy-review.js'
import type { ApiDeps, App } from '../deps.js'
import { ApiError } from '../errors.js'
import { Query } from '../query.js'
import { errorResponses } from '../schemas/common.js'

const ReviewQuery = Query({
  days: Type.Integer({ minimum: 1, maximum: 400, default: 30, description: 'how far back use counts' }),
  top: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 100,
    description: 'used pairings that are told of at most, those of most hosts first',
  }),
})

export function policyReviewRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/policy-review',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['context'],
        summary:
          'Sanctioned services held against what is used here: allowed but unused, used but not allowed',
        querystring: ReviewQuery,
        response: { 200: PolicyReview, ...errorResponses },
      },
    },
    async (request) => {
      const review = await deps.policyReview({ days: request.query.days, limit: request.query.top })
      if (review !== undefined) return review
      throw new ApiError('NOT_FOUND', 'the detector port-protocol has not run yet, or is off')
    },
  )
}
