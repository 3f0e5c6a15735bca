import { type Exact, numberOf } from './real.ts';

/** A parsed answer. */
export type Node =
  | { readonly kind: 'number'; readonly value: Exact; readonly decimal: boolean }
  | { readonly kind: 'letter'; readonly name: string; readonly choice?: boolean }
  | { readonly kind: 'infinity' }
  | { readonly kind: 'words'; readonly text: string }
  | { readonly kind: 'sum'; readonly terms: readonly Node[] }
  /** `loose` if the last letter stands apart, so that it may be a unit: `5 m`. */
  | { readonly kind: 'product'; readonly factors: readonly Node[]; readonly loose?: boolean }
  | { readonly kind: 'negate'; readonly of: Node }
  /** `±` if `flipped` is false, otherwise `∓`. */
  | { readonly kind: 'plusMinus'; readonly of: Node; readonly flipped: boolean }
  | { readonly kind: 'quotient'; readonly over: Node; readonly under: Node }
  | { readonly kind: 'power'; readonly base: Node; readonly exponent: Node }
  | { readonly kind: 'percent'; readonly of: Node }
  | { readonly kind: 'degrees'; readonly of: Node }
  /** A known function. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  /** An unknown function: `f(x)`. */
  | { readonly kind: 'apply'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly by: ',' | 'and' | 'or' }
  | {
      readonly kind: 'tuple';
      readonly items: readonly Node[];
      readonly open: string;
      readonly close: string;
    }
  | { readonly kind: 'set'; readonly items: readonly Node[] }
  /** `{x : x > 3}`: a set given by a condition. */
  | { readonly kind: 'builder'; readonly of: Node; readonly condition: Node }
  | { readonly kind: 'sets'; readonly operator: '∪' | '∩' | '∖'; readonly parts: readonly Node[] }
  /** `a < b <= c`: there is one relation fewer than there are sides. */
  | { readonly kind: 'relation'; readonly sides: readonly Node[]; readonly by: readonly string[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Node[])[]; readonly of: string }
  | { readonly kind: 'ratio'; readonly parts: readonly Node[]; readonly clock: boolean }
  /** `101_2`: the digits of a number and its base. */
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | {
      readonly kind: 'quantity';
      readonly of: Node;
      readonly unit: string;
      readonly compound: boolean;
    }
  /** `(C) 12`: the letter of a choice before its value. */
  | { readonly kind: 'choice'; readonly letter: string; readonly of: Node };

/** The direct children of a node. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'sum':
      return node.terms;
    case 'product':
      return node.factors;
    case 'negate':
    case 'plusMinus':
    case 'percent':
    case 'degrees':
    case 'quantity':
    case 'choice':
      return [node.of];
    case 'quotient':
      return [node.over, node.under];
    case 'power':
      return [node.base, node.exponent];
    case 'call':
    case 'apply':
      return node.args;
    case 'list':
    case 'tuple':
    case 'set':
      return node.items;
    case 'builder':
      return [node.of, node.condition];
    case 'sets':
    case 'ratio':
      return node.parts;
    case 'relation':
      return node.sides;
    case 'matrix':
      return node.rows.flat();
    default:
      return [];
  }
}

/** A copy of a node with other children, in the order of `childrenOf`. */
export function withChildren(node: Node, children: readonly Node[]): Node {
  const [first = node, second = node] = children;
  switch (node.kind) {
    case 'sum':
      return { ...node, terms: children };
    case 'product':
      return { ...node, factors: children };
    case 'negate':
    case 'plusMinus':
    case 'percent':
    case 'degrees':
    case 'quantity':
    case 'choice':
      return { ...node, of: first };
    case 'quotient':
      return { ...node, over: first, under: second };
    case 'power':
      return { ...node, base: first, exponent: second };
    case 'call':
    case 'apply':
      return { ...node, args: children };
    case 'list':
    case 'tuple':
    case 'set':
      return { ...node, items: children };
    case 'builder':
      return { ...node, of: first, condition: second };
    case 'sets':
    case 'ratio':
      return { ...node, parts: children };
    case 'relation':
      return { ...node, sides: children };
    case 'matrix': {
      let at = 0;
      return { ...node, rows: node.rows.map((row) => row.map(() => children[at++] ?? node)) };
    }
    default:
      return node;
  }
}

/** Whether `found` holds for some node of the tree. */
export function some(node: Node, found: (node: Node) => boolean): boolean {
  return found(node) || childrenOf(node).some((child) => some(child, found));
}

/** Adds the names of all letters in the tree to `into`. */
export function lettersOf(node: Node, into = new Set<string>()): Set<string> {
  if (node.kind === 'letter') into.add(node.name);
  for (const child of childrenOf(node)) lettersOf(child, into);
  return into;
}

function printNumber({ n, d }: Exact, decimal: boolean): string {
  if (d === 1n) return String(n);
  return decimal ? String(numberOf({ n, d })) : `${n}/${d}`;
}

const list = (nodes: readonly Node[]): string => nodes.map(print).join(', ');

/** Prints a node, in brackets if it binds less tightly than a factor. */
function tight(node: Node): string {
  const loose = /^(?:sum|negate|plusMinus|relation|list|product|quotient|ratio|quantity)$/;
  const text = print(node);
  return loose.test(node.kind) || (node.kind === 'number' && /[/-]/.test(text))
    ? `(${text})`
    : text;
}

/** Prints a node. Users see this text. Equal texts mean equal trees. */
export function print(node: Node): string {
  switch (node.kind) {
    case 'number':
      return printNumber(node.value, node.decimal);
    case 'letter':
      return node.name;
    case 'infinity':
      return '∞';
    case 'words':
      return `"${node.text}"`;
    case 'sum':
      return node.terms
        .map((term, i) =>
          term.kind === 'negate'
            ? `${i > 0 ? ' ' : ''}-${i > 0 ? ' ' : ''}${tight(term.of)}`
            : (i > 0 ? ' + ' : '') + (term.kind === 'sum' ? tight(term) : print(term)),
        )
        .join('');
    case 'product':
      return node.factors.map(tight).join('*');
    case 'negate':
      return `-${tight(node.of)}`;
    case 'plusMinus':
      return `${node.flipped ? '∓' : '±'}${tight(node.of)}`;
    case 'quotient':
      return `${tight(node.over)}/${tight(node.under)}`;
    case 'power':
      return `${tight(node.base)}^${tight(node.exponent)}`;
    case 'percent':
      return `${tight(node.of)}%`;
    case 'degrees':
      return `${tight(node.of)}°`;
    case 'call':
    case 'apply':
      return `${node.name}(${list(node.args)})`;
    case 'list':
      return node.items.map(print).join(node.by === ',' ? ', ' : ` ${node.by} `);
    case 'tuple':
      return `${node.open}${list(node.items)}${node.close}`;
    case 'set':
      return `{${list(node.items)}}`;
    case 'builder':
      return `{${print(node.of)} : ${print(node.condition)}}`;
    case 'sets':
      return node.parts
        .map((part) => (part.kind === 'sets' ? `(${print(part)})` : print(part)))
        .join(` ${node.operator} `);
    case 'relation':
      return node.sides
        .map((side, i) => (i > 0 ? ` ${node.by[i - 1] ?? ''} ` : '') + print(side))
        .join('');
    case 'matrix':
      return `${node.of}[${node.rows.map(list).join('; ')}]`;
    case 'ratio':
      return node.parts.map(tight).join(':');
    case 'based':
      return `${node.digits}_${node.base}`;
    case 'quantity':
      return `${print(node.of)} "${node.unit}"`;
    case 'choice':
      return `(${node.letter}) ${print(node.of)}`;
  }
}
