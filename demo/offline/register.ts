// The page is kept for use without a network by a service worker. A new version waits until the user
// wants it: what is open, and what trains, stays as it is.
import { signal } from '@preact/signals';

/** Takes the new version of the page, by reloading; undefined while there is none. */
export const newVersion = signal<(() => void) | undefined>(undefined);

/** Has the browser keep the page, where it can: not from a file, and not without https. */
export async function keepOffline(): Promise<void> {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return;
  const { serviceWorker } = navigator;
  try {
    await serviceWorker.register(new URL('sw.js', document.baseURI), { updateViaCache: 'none' });
    const registration = await serviceWorker.getRegistration();
    if (registration) followVersions(serviceWorker, registration);
  } catch (error) {
    // The page is whole without it; a developer reads why.
    console.warn(`The browser does not keep this page for use without a network: ${String(error)}`);
  }
}

function followVersions(
  container: ServiceWorkerContainer,
  registration: ServiceWorkerRegistration,
): void {
  const look = (): void => {
    const { waiting } = registration;
    // The first version has nothing to wait for.
    if (!waiting || !container.controller) return;
    newVersion.value = () => {
      container.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting.postMessage('take-over');
    };
  };
  look();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', look);
  });
}
