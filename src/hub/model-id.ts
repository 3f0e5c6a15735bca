// Names of models on a hub: `hf:ORG/NAME@REVISION`.

/** A model that a hub has, at a branch, a tag or a commit. */
export interface ModelId {
  /** `ORG/NAME`. */
  readonly repo: string;
  readonly revision: string;
}

/** The name of a model is none, or the hub gives no model for it. The message says which, and why. */
export class ModelIdError extends Error {
  override readonly name = 'ModelIdError';
}

const SCHEME = 'hf:';

/** Whether a text names a model of a hub, rightly or wrongly, and not a folder. */
export const isModelId = (text: string): boolean => text.startsWith(SCHEME);

/** A part of a repository's name, as the hub allows them. */
const part = /^(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
const revisionName = /^(?!.*(?:\.\.|\/\/))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/;

/** Whether a revision is a commit, whose files never change. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/**
 * Reads `hf:ORG/NAME` with an optional `@REVISION`, which is `main` where it is left out.
 *
 * @throws ModelIdError saying which part is wrong.
 */
export function parseModelId(text: string): ModelId {
  const [repo = '', revision = 'main', ...more] = text.slice(SCHEME.length).split('@');
  const parts = repo.split('/');
  if (!isModelId(text) || parts.length !== 2 || !parts.every((one) => part.test(one))) {
    throw new ModelIdError(`${text}: a model of the hub is hf:ORG/NAME or hf:ORG/NAME@REVISION`);
  }
  if (more.length > 0 || !revisionName.test(revision)) {
    throw new ModelIdError(`${text}: '@' is followed by a branch, a tag or a commit`);
  }
  return { repo, revision };
}

export const modelIdText = ({ repo, revision }: ModelId): string =>
  `${SCHEME}${repo}${revision === 'main' ? '' : `@${revision}`}`;
