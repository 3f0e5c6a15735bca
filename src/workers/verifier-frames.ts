import type { FramePort } from './module-host.ts';

/**
 * Lets a run in a worker open sandboxed frames, in which a user's verifier modules run: of opaque
 * origin, without network, and each in a thread of its own. A page calls this for a run only where
 * its user chose or pasted the module for that run; a run without the port runs no module. What
 * comes with a link or a stored run is no such choice.
 *
 * @param page Address of `verifier-frame.html`, whose content security policy allows code that is
 *   handed to it and nothing else. The policy of this page must allow the address in `frame-src`.
 * @param options.signal Ends all of these frames when it is aborted: they outlive a worker that died,
 *   and the run of one that did not.
 * @returns A port for `StartRequest.frames`.
 */
export function serveVerifierFrames(
  page: string | URL,
  options: { readonly signal?: AbortSignal } = {},
): FramePort {
  const { port1, port2 } = new MessageChannel();
  const frames = new Set<HTMLIFrameElement>();
  options.signal?.addEventListener('abort', () => {
    port1.close();
    for (const frame of frames) frame.remove();
    frames.clear();
  });
  port1.onmessage = ({ data, ports: [port, closed] }: MessageEvent<{ readonly code: string }>) => {
    if (!port || !closed) return;
    const frame = document.createElement('iframe');
    frame.sandbox.add('allow-scripts');
    frame.hidden = true;
    frame.src = String(page);
    frames.add(frame);
    closed.onmessage = () => {
      closed.close();
      frames.delete(frame);
      frame.remove();
    };
    frame.addEventListener(
      'load',
      () => frame.contentWindow?.postMessage({ code: data.code }, '*', [port]),
      { once: true },
    );
    document.body.append(frame);
  };
  return port2;
}
