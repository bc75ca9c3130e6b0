/** How many answers and how many conversations are listed, newest first: the host's model reads them all. */
export const LISTED = 10
