import { digestOf } from '../login/credential-owner.ts'
import type { Credential } from '../login/credentials.ts'
import type { Model } from '../models/builtin-models.ts'
import type { Question } from './codex-request.ts'
import { PLAIN, type Shape } from './request-shape.ts'

/** How a model wants to be asked; its entry too, because a list for our compatibility level may not have it. */
export interface Learned {
  model: Model | undefined
  shape: Shape
}

/** Whom and what is asked. */
export interface Asked {
  credential: Pick<Credential, 'kind' | 'baseUrl'>
  modelId: string
  question: Pick<Question, 'schema' | 'talk'>
}

/** What has brought an answer, kept for this process, so that the next question does not have to find out again. */
export interface LearnedShapes {
  of(asked: Asked): Learned
  keep(asked: Asked, learned: Learned): void
  /** It does not help any more. */
  forget(asked: Asked): void
}

type SchemaShape = Pick<Shape, 'loose' | 'inWords'>

/** What is a model's nature is kept of it; what only concerns a schema or a conversation, of that. */
export function createLearnedShapes(): LearnedShapes {
  const models = new Map<string, Learned>()
  const schemas = new Map<string, SchemaShape>()
  /** Those whose reasoning could not be read: it stays in front of all that comes. */
  const talks = new Set<string>()

  return {
    of(asked) {
      const { model, shape } = models.get(keyOf(asked)) ?? { model: undefined, shape: PLAIN }
      const forgetful = talks.has(talkKeyOf(asked) ?? '') ? ({ forgetful: true } as const) : {}
      return { model, shape: { ...shape, ...schemas.get(schemaKeyOf(asked) ?? ''), ...forgetful } }
    },

    keep(asked, { model, shape: { loose, inWords, forgetful, ...shape } }) {
      models.set(keyOf(asked), { model, shape })
      const [schema, talk] = [schemaKeyOf(asked), talkKeyOf(asked)]
      if (schema !== undefined && (loose || inWords)) {
        schemas.set(schema, { ...(loose && { loose }), ...(inWords && { inWords }) })
      }
      if (talk !== undefined && forgetful) talks.add(talk)
    },

    forget(asked) {
      models.delete(keyOf(asked))
      schemas.delete(schemaKeyOf(asked) ?? '')
      talks.delete(talkKeyOf(asked) ?? '')
    },
  }
}

function keyOf({ credential: { kind, baseUrl }, modelId }: Asked): string {
  return [kind, baseUrl, modelId].join(' ')
}

function talkKeyOf(asked: Asked): string | undefined {
  const cacheKey = asked.question.talk?.cacheKey
  return cacheKey === undefined ? undefined : `${keyOf(asked)} ${cacheKey}`
}

function schemaKeyOf(asked: Asked): string | undefined {
  const { schema } = asked.question
  return schema === undefined ? undefined : digestOf([keyOf(asked), JSON.stringify(schema.schema)])
}
