import { expect, test } from 'vitest'
import { failurePage, strangerPage, successPage } from '../../../src/services/sign-in/sign-in-pages.ts'

test('each page says how it stands and what to do', () => {
  expect(successPage()).toContain('<p>You are signed in to Codex.</p><p>You can close this window')
  expect(failurePage('It failed.', 'Try again.')).toContain('<p>It failed.</p><p>Try again.</p>')
  expect(failurePage('It failed.', undefined)).toContain(
    '<p>It failed.</p><p>Go back to your editor and start again.</p>',
  )
  expect(strangerPage()).toContain('does not belong to the sign-in that is open')
})

test('what is put into a page stays text', () => {
  const hostile = `</p><script>alert("1")</script>&amp;<img src=x onerror='x'>`
  const page = failurePage(hostile, hostile)
  expect(page).not.toMatch(/<script|<img|&amp;|"1"|'x'/)
  expect(page).toContain('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;amp;')
})

test.each([
  ['success', successPage()],
  ['failure', failurePage('m', 'h')],
  ['stranger', strangerPage()],
])('the page of %s runs nothing and loads nothing', (_name, page) => {
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">\n<meta charset="utf-8">/)
  expect(page).not.toMatch(/<script|<link|<img|<iframe|<form|src=|href=|url\(|@import|http|\son\w+=/i)
})
