// A static host for a test: files of a folder, some of them replaced, until it is closed.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

export interface StaticServer {
  /** Ends with a slash. */
  readonly address: string;
  /** Texts by path in place of the folder's files, such as `/sw.js`. */
  readonly replaced: Map<string, string>;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Every connection is cut: a page that asks finds no host. */
  readonly close: () => void;
}

export async function serve(folder: string): Promise<StaticServer> {
  const replaced = new Map<string, string>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '', 'http://x').pathname).replace(
      /\/$/,
      '/index.html',
    );
    asked.push(path);
    try {
      const body = replaced.get(path) ?? readFileSync(join(folder, path));
      response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    address: `http://127.0.0.1:${address.port}/`,
    replaced,
    asked,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
