/** Where this process runs, as far as it decides how a person can sign in. */
export interface Surroundings {
  place: Place
  /** Whether a browser that is started here can be seen by the user. */
  hasBrowser: boolean
}

export type Place = 'desk' | 'wsl' | 'ssh' | 'container' | 'headless'

export interface SurroundingsEdges {
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  /** Whether a file is there. */
  exists: (path: string) => boolean
}

/** What the environment and a few well-known files tell. */
export function readSurroundings(edges: SurroundingsEdges): Surroundings {
  const place = placeOf(edges)
  return { place, hasBrowser: canBeSeen(place, edges) }
}

function placeOf({ env, platform, exists }: SurroundingsEdges): Place {
  if (env.SSH_CONNECTION || env.SSH_CLIENT || env.SSH_TTY) return 'ssh'
  if (isContainer(env, exists)) return 'container'
  if (platform === 'linux' && (env.WSL_DISTRO_NAME || env.WSL_INTEROP)) return 'wsl'
  return hasOwnScreen(platform) || hasDisplay(env) ? 'desk' : 'headless'
}

/** Docker and Podman leave a file, most others a variable; so do the cloud workspaces, which are containers too. */
function isContainer(env: SurroundingsEdges['env'], exists: SurroundingsEdges['exists']): boolean {
  const named = [env.container, env.KUBERNETES_SERVICE_HOST, env.CODESPACES, env.REMOTE_CONTAINERS, env.DEVCONTAINER]
  return named.some(Boolean) || exists('/.dockerenv') || exists('/run/.containerenv')
}

function canBeSeen(place: Place, { env, platform }: SurroundingsEdges): boolean {
  switch (place) {
    case 'desk':
    case 'wsl':
      return true
    case 'ssh':
      // BROWSER is a helper that opens the user's own (VS Code Remote has one); a display with a host name is one that
      // SSH forwards. Any other display stands in the room of the remote machine.
      return Boolean(env.BROWSER) || (!hasOwnScreen(platform) && /^[\w.-]+:\d/.test(env.DISPLAY ?? ''))
    case 'container':
      return Boolean(env.BROWSER) || hasDisplay(env)
    case 'headless':
      return Boolean(env.BROWSER)
  }
}

/** These two have one screen, which stands where the machine stands. */
function hasOwnScreen(platform: NodeJS.Platform): boolean {
  return platform === 'darwin' || platform === 'win32'
}

function hasDisplay(env: SurroundingsEdges['env']): boolean {
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}
