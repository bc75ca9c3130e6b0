/** What a release is made of. */
export interface ReleaseFacts {
  packageFile: { version: string; mcpName: string; repository?: { url?: string } }
  changelog: string
  /** `owner/name` of the repository that publishes. */
  repository: string
  /** Like `v1.2.3`. */
  tag: string
}

/** What is in the way of a release from this repository under this tag, in sentences. */
export function releaseProblems({ packageFile, changelog, repository, tag }: ReleaseFacts): string[] {
  const { version, mcpName, repository: { url = '' } = {} } = packageFile
  const [owner = ''] = repository.split('/')
  const home = `https://github.com/${repository}`
  const checks: [boolean, string][] = [
    [tag === `v${version}`, `The tag is ${tag}, and package.json has version ${version}.`],
    [changelog.split('\n').some((line) => isHeading(line, version)), `CHANGELOG.md has no heading “## ${version}”.`],
    [
      url.replace(/^git\+|\.git$/g, '').toLowerCase() === home.toLowerCase(),
      `"repository" in package.json has to be { "type": "git", "url": "git+${home}.git" }, or npm refuses the provenance.`,
    ],
    [
      mcpName.toLowerCase().startsWith(`io.github.${owner.toLowerCase()}/`),
      `"mcpName" in package.json, and "name" in server.json, have to begin with io.github.${owner}/ for the MCP registry.`,
    ],
  ]
  return checks.flatMap(([holds, problem]) => (holds ? [] : [problem]))
}

function isHeading(line: string, version: string): boolean {
  return line === `## ${version}` || line.startsWith(`## ${version} `)
}
