/** A part of a user message, as the service takes it. */
export type ContentPart =
  | { type: 'input_text'; text: string }
  /** `image_url` is a data URL: the service has no place to upload to (facts: plan-usage 3.2). */
  | { type: 'input_image'; image_url: string }

/** An item of `input`: a message, or the reasoning of an earlier answer, without the id the service had given it. */
export type InputItem = Readonly<Record<string, unknown>> & { readonly type: string }
