// Pictures of the stage that are not needed for the first one.
import { laterActs } from './stage.tsx';

/** Loads the pictures of acts that are not needed for the first one. */
export async function laterPictures(): Promise<void> {
  const [{ Problem, Race, Finding }, { apartText }] = await Promise.all([
    import('./acts.tsx'),
    import('../state/finding.ts'),
  ]);
  laterActs.value = { Problem, Race, Finding, apartText };
}
