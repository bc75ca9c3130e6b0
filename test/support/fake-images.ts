import { apiError } from './fake-errors.ts'
import type { Answer } from './fake-script.ts'

/** How the bytes of each type begin that the service takes. */
const MAGIC: Readonly<Record<string, RegExp>> = {
  'image/png': /^\x89PNG/,
  'image/jpeg': /^\xff\xd8\xff/,
  'image/gif': /^GIF8[79]a/,
  'image/webp': /^RIFF[\s\S]{4}WEBP/,
}

/** Why this `input_image` is refused: for this model, for its form, or because its bytes are another thing. */
export function imageRefusal(
  { image_url: url }: Readonly<Record<string, unknown>>,
  param: string,
  modalities: unknown,
): Answer | undefined {
  if (Array.isArray(modalities) && !modalities.includes('image')) {
    const message = 'Invalid content type. image_url is only supported by certain models.'
    return apiError(400, { message, param, code: 'invalid_value' })
  }
  const [, type = '', data = ''] =
    /^data:([^;,]+);base64,((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(`${url}`) ?? []
  if (data === '') {
    const message = `Invalid '${param}.image_url'. Expected a base64-encoded data URL with an image MIME type, but got a value without one.`
    return apiError(400, { message, param: `${param}.image_url`, code: 'invalid_value' })
  }
  if (MAGIC[type]?.test(Buffer.from(data, 'base64').toString('latin1'))) return undefined
  const message =
    'The image data you provided does not represent a valid image. Please check your input and try again with one of ' +
    `the following image formats: [${Object.keys(MAGIC)
      .map((one) => `'${one}'`)
      .join(', ')}].`
  return apiError(400, { message, param, code: 'invalid_image' })
}
