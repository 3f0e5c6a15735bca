import type { Exact } from './real.ts';
import { TooCostly } from './work.ts';

/** One symbol of an answer, in any notation. */
export type Token = Readonly<{
  /** `symbol` is an operator, a bracket or a relation. `end` follows the last token. */
  kind: 'number' | 'letter' | 'word' | 'text' | 'call' | 'symbol' | 'begin' | 'close' | 'end';
  /** The one spelling of a token: `≤` for `\leq`, `\leqslant`, `<=` and `=<`. */
  text: string;
  /** Whether white space or a LaTeX space precedes the token. */
  blank: boolean;
  /** The value of a number. */
  value?: Exact;
  decimal?: boolean;
  /** The unit of a currency sign other than `$`. */
  unit?: string;
  /**
   * For a comma: whether it certainly groups digits, `1{,}000`. For a letter: whether it comes from
   * a text in brackets, `\text{(C)}`.
   */
  marked?: boolean;
}>;

/** Thrown if an answer is not mathematics that this lexer and parser can read. */
export class NotRead extends Error {}

/** Commands that change only the look. */
const looks = new Set(
  (
    'left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm ' +
    'displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits mathstrut ' +
    'strut null bf it rm sf tt em cal mathop mathrel mathbin mathord mathopen mathclose allowbreak ' +
    'nobreak noindent centering large Large small normalsize hfill mathbf mathit ' +
    'mathsf mathtt boldsymbol bm pmb mathnormal mathrm operatorname mathcal mathscr mathfrak ' +
    'underline underbrace overbrace therefore because relax smash mathchoice cancel'
  ).split(' '),
);
/** Commands that frame the answer. */
const frames = new Set(['boxed', 'fbox', 'framebox', 'ensuremath']);
/** The commands of `looks` whose argument may be a word. */
const styles = new Set(
  'mathbf mathit mathsf mathtt boldsymbol bm pmb mathnormal mathrm operatorname mathcal mathscr mathfrak'.split(
    ' ',
  ),
);
/** Environments that set equations one below another. */
const alignments = new Set(
  'aligned align gathered gather equation split displaymath math alignedat flalign multline'.split(
    ' ',
  ),
);
const texts = new Set(
  'text textbf textrm textit textsf texttt textup textsc textnormal mbox hbox emph'.split(' '),
);
const blanks = new Set(
  'quad qquad enspace enskip thinspace medspace thickspace space hspace vspace hskip negthinspace'.split(
    ' ',
  ),
);

const words = (text: string): string[] => text.split(' ');

/** The symbol that a LaTeX command stands for. */
const symbols = new Map<string, string>();
for (const line of words(
  '≤=le,leq,leqslant,leqq,lesssim ≥=ge,geq,geqslant,geqq,gtrsim ≠=ne,neq,not= <=lt ≈=approx,sim,simeq,thickapprox,cong,doteq ' +
    '∈=in,isin ∉=notin ∪=cup,bigcup ∩=cap,bigcap ∖=setminus,smallsetminus,backslash ±=pm ∓=mp ' +
    '∞=infty,infin *=cdot,times,ast,star,bullet,centerdot,cdotp /=div,slash :=colon,ratio ' +
    '|=vert,lvert,rvert,mid ‖=Vert,lVert,rVert,| ⟨=langle ⟩=rangle ⌊=lfloor ⌋=rfloor ⌈=lceil ⌉=rceil ' +
    '(=lparen,lgroup )=rparen,rgroup [=lbrack ]=rbrack ⦃=lbrace,{ ⦄=rbrace,} …=ldots,cdots,dots,dotsc,dotsb,dotso,vdots,ddots ' +
    "'=prime °=degree,textdegree %=textpercent ∅=emptyset,varnothing,O $=textdollar,$ =equiv →=to,rightarrow,longrightarrow,mapsto " +
    '⇒=implies,Rightarrow,Longrightarrow ⇔=iff,Leftrightarrow,Longleftrightarrow ∨=lor,vee ∧=land,wedge ⊂=subset ⊆=subseteq',
)) {
  const at = line.indexOf('=', line.startsWith('=') ? 1 : 0);
  for (const name of line.slice(at + 1).split(',')) symbols.set(name, line.slice(0, at) || '=');
}
symbols.set('equiv', '≡').set('gt', '>');

const greek = new Set(
  words(
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma tau upsilon phi chi psi omega ' +
      'Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega pi',
  ),
);
const greekLetters = 'αβγδεζηθικλμνξοπρστυφχψω';
const greekNames = words(
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega',
);
const variants = new Map([
  ['varepsilon', 'epsilon'],
  ['vartheta', 'theta'],
  ['varphi', 'phi'],
  ['varrho', 'rho'],
  ['varsigma', 'sigma'],
  ['varpi', 'pi'],
  ['ϕ', 'phi'],
  ['ϵ', 'epsilon'],
  ['ϑ', 'theta'],
  ['ς', 'sigma'],
  ['𝜋', 'pi'],
  ['Δ', 'Delta'],
  ['Γ', 'Gamma'],
  ['Θ', 'Theta'],
  ['Λ', 'Lambda'],
  ['Π', 'Pi'],
  ['Σ', 'Sigma'],
  ['Φ', 'Phi'],
  ['Ψ', 'Psi'],
  ['Ω', 'Omega'],
]);

/** Functions by their names in LaTeX, in plain text and in programs. */
const calls = new Map<string, string>();
for (const name of words(
  'sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch ' +
    'arsinh arcosh artanh ln log exp sqrt max min gcd lcm det frac binom over choose overline',
))
  calls.set(name, name);
for (const line of words(
  'binomial=binom factorial=factorial cosec=csc asin=arcsin acos=arccos atan=arctan arcsinh=arsinh arccosh=arcosh arctanh=artanh asinh=arsinh acosh=arcosh ' +
    'atanh=artanh tg=tan ctg=cot cotg=cot arctg=arctan lg=lg lb=lb abs=abs floor=floor ceil=ceil cbrt=cbrt',
)) {
  const [name = '', meaning = ''] = line.split('=');
  calls.set(name, meaning);
}
/** Functions that only LaTeX spells this way. */
const commandCalls = new Map([
  ['dfrac', 'frac'],
  ['tfrac', 'frac'],
  ['cfrac', 'frac'],
  ['sfrac', 'frac'],
  ['nicefrac', 'frac'],
  ['flatfrac', 'frac'],
  ['dbinom', 'binom'],
  ['tbinom', 'binom'],
  ['surd', 'sqrt'],
  ['bar', 'overline'],
  ['brace', 'choose'],
]);
/** Names that are functions in LaTeX but not in plain text. */
const onlyCommands = new Set(['frac', 'over', 'choose', 'overline', 'lb', 'tg', 'sec']);
/** Marks over a letter. A letter with a mark is another letter. */
const marks = new Set(
  words(
    'vec hat widehat tilde widetilde dot ddot overrightarrow overleftarrow overleftrightarrow check breve acute grave mathring',
  ),
);

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const subscripts = '₀₁₂₃₄₅₆₇₈₉';
const fractions = new Map(
  words(
    '½1/2 ⅓1/3 ⅔2/3 ¼1/4 ¾3/4 ⅕1/5 ⅖2/5 ⅗3/5 ⅘4/5 ⅙1/6 ⅚5/6 ⅐1/7 ⅛1/8 ⅜3/8 ⅝5/8 ⅞7/8 ⅑1/9 ⅒1/10',
  ).map((text) => [text.charAt(0), text.slice(1).split('/')] as const),
);
/** Unicode characters that stand for one of our symbols. */
const signs = new Map<string, string>();
for (const [meaning, all] of [
  ['-', '−–—‐‑‒﹣－'],
  ['*', '×·⋅∙•∗✕✖'],
  ['/', '÷⁄∕'],
  ['≤', '⩽≦≲'],
  ['≥', '⩾≧≳'],
  ['≈', '∼≃≅≒'],
  ['∖', '∖⧵'],
  ['∅', 'Øø∅'],
  ["'", '′’‘ʹ'],
  ['°', '˚º'],
  ['…', '⋯⋮'],
  [',', '，、'],
  [';', '；'],
  [':', '：∶'],
  ['|', '∣｜'],
  ['‖', '∥'],
  ['∨', '⋁'],
  ['∧', '⋀'],
] as const)
  for (const sign of all) signs.set(sign, meaning);
const ownSigns = new Set(".+-*/^_()[]|,;:=<>!'&°%≤≥≠≈∈∉∪∩∖±∓∞⟨⟩⌊⌋⌈⌉…∅→⇒⇔∨∧⊂⊆≡‖");
/** Unicode characters that stand for a LaTeX command without a meaning here. */
const commandSigns = new Map([
  ['∠', '\\angle'],
  ['△', '\\triangle'],
  ['∆', 'Delta'],
  ['ℓ', '\\ell'],
  ['∑', '\\sum'],
  ['∏', '\\prod'],
  ['∫', '\\int'],
  ['∂', '\\partial'],
  ['µ', 'mu'],
  ['ℏ', '\\hbar'],
]);
const boards = new Map([
  ['ℝ', 'R'],
  ['ℂ', 'C'],
  ['ℚ', 'Q'],
  ['ℤ', 'Z'],
  ['ℕ', 'N'],
]);

/** Currency signs other than `$`. */
const currencies = new Map([
  ['€', 'euros'],
  ['£', 'gbp'],
  ['¥', 'yen'],
  ['¢', 'cents'],
]);

const connectors = new Set(['and', 'or', '&', 'and/or']);
const twoLetterWords = new Set(
  words('no is of to by if in at on we an as it be do so up us my me he am pm AM PM'),
);
/** Units that may follow a number as plain letters: `640 cm`. */
const bareUnits = new Set(
  words(
    'mm cm dm km kg mg lb lbs oz gm gms ft in yd mi hr hrs min mins sec secs ms ml mL cl dl mph kph kmh Hz kHz kW kWh kJ kPa kN rad sq cu pts USD cents dollars',
  ),
);

/** Units of one letter, in a text that follows a value. */
const unitLetters = new Set(words('m g s h l L N J W V K'));

const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const isLetter = (c: string): boolean => (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
const isBlank = (c: string): boolean =>
  c === ' ' || c === '\n' || c === '\t' || c === '\r' || c === '~' || /\s/u.test(c);

/** Maps digits of other scripts, full-width forms and mathematical alphabets to ASCII. */
function plainCharacter(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x80) return c;
  // Letters and digits of mathematical alphabets, U+1D400..U+1D7FF.
  if (code >= 0x1d400 && code <= 0x1d7ff) return c.normalize('NFKC');
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
  for (const zero of [0x0660, 0x06f0, 0x0966])
    if (code >= zero && code < zero + 10) return String(code - zero);
  return c;
}

/**
 * Whether a bare run of letters is a product of variables: two letters that are not a known word,
 * or up to four small letters that are neighbours in the alphabet or have no vowel. All other runs
 * are words.
 */
function isProduct(run: string): boolean {
  if (run.length === 2)
    return !twoLetterWords.has(/^[A-Z][a-z]$/.test(run) ? run.toLowerCase() : run);
  if (run.length > 4 || run !== run.toLowerCase()) return false;
  return /^(?:[a-d]+|[p-t]+|[u-z]+|[bcdfghjklmnpqrstvwxyz]+)$/.test(run);
}

/** Longer answers are not read: they are unusual, and comparing them costs time. */
const mostTokens = 1500;
/** Limit on the sum of all exponents written as in `1e999`. */
const mostExponents = 4000;

/** Splits an answer into tokens, in time linear in its length. */
export function tokensOf(text: string): Token[] {
  return new Lexer(text).tokens;
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #text: string;
  /** The index of the `}` that closes each `{`. */
  readonly #closing = new Map<number, number>();
  #at = 0;
  #blank = false;
  #inText = false;
  #exponents = 0;
  #matrices = 0;
  /** Number of open environments whose rows are a list. */
  #aligned = 0;

  constructor(text: string) {
    this.#text = Array.from(text, plainCharacter).join('');
    const open: number[] = [];
    for (let i = 0; i < this.#text.length; i++) {
      const c = this.#text.charAt(i);
      if (c === '\\') i++;
      else if (c === '{') open.push(i);
      else if (c === '}') {
        const start = open.pop();
        if (start !== undefined) this.#closing.set(start, i);
      }
    }
    this.#run(this.#text.length);
    this.tokens.push({ kind: 'end', text: '', blank: false });
  }

  #run(end: number): void {
    while (this.#at < end) this.#step();
  }

  #push(kind: Token['kind'], text: string, more: Partial<Token> = {}): void {
    if (this.tokens.length >= mostTokens) throw new TooCostly();
    this.tokens.push({ kind, text, blank: this.#blank, ...more });
    this.#blank = false;
  }

  #peek(ahead = 0): string {
    return this.#text.charAt(this.#at + ahead);
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && isBlank(this.#peek())) this.#at++;
  }

  #step(): void {
    const c = this.#peek();
    if (isBlank(c)) {
      this.#at++;
      this.#blank = true;
    } else if (isDigit(c) || (c === '.' && isDigit(this.#peek(1)))) this.#number();
    else if (isLetter(c)) this.#letters();
    else if (c === '\\') this.#command();
    else this.#sign(c);
  }

  #number(): void {
    const start = this.#at;
    const digits = (): string => {
      const from = this.#at;
      while (isDigit(this.#peek())) this.#at++;
      return this.#text.slice(from, this.#at);
    };
    const before = digits();
    let after = '';
    let decimal = false;
    // A point after digits belongs to the number if a digit or an overline follows. Otherwise it is
    // a full stop.
    if (
      this.#peek() === '.' &&
      (isDigit(this.#peek(1)) ||
        this.#text.startsWith('\\overline', this.#at + 1) ||
        this.#text.startsWith('\\bar', this.#at + 1) ||
        this.#text.startsWith('\\dot{', this.#at + 1))
    ) {
      this.#at++;
      after = digits();
      decimal = true;
    }
    let exponent = 0;
    const power = /^[eE]([-+]?)(\d{1,3})(?![\d.])/.exec(this.#text.slice(this.#at, this.#at + 8));
    if (power) {
      const [all, sign = '', size = ''] = power;
      const signedLooksRight = decimal || all.startsWith('E') || size.length > 1 || before === '1';
      if (sign === '' || signedLooksRight) {
        this.#at += all.length;
        exponent = Number(size) * (sign === '-' ? -1 : 1);
        this.#exponents += Number(size);
        if (this.#exponents > mostExponents) throw new TooCostly();
      }
    }
    const shift = exponent - after.length;
    const n = BigInt(before + after || '0');
    const value =
      shift >= 0 ? { n: n * 10n ** BigInt(shift), d: 1n } : { n, d: 10n ** BigInt(-shift) };
    this.#push('number', this.#text.slice(start, this.#at), {
      value,
      decimal: decimal && value.n % value.d !== 0n,
    });
  }

  #isBehindValue(): boolean {
    const previous = this.tokens.at(-1);
    if (!previous) return false;
    return /^(?:number|letter)$/.test(previous.kind) || /^[)}%°⦄|]$/.test(previous.text);
  }

  #letters(): void {
    const start = this.#at;
    while (isLetter(this.#peek())) this.#at++;
    const run = this.#text.slice(start, this.#at);
    const previous = this.tokens.at(-1);
    const lower = run.toLowerCase();
    const behindValue = this.#isBehindValue();
    const behindUnit = previous?.kind === 'word' && /^(?:sq|cu|square|cubic)$/.test(previous.text);
    const isUnit =
      (behindValue || behindUnit) &&
      bareUnits.has(run) &&
      !/^\s*\(/.test(this.#text.slice(this.#at, this.#at + 8));
    // `5 m/s`
    const rate =
      behindValue && this.#blank && /^[mgL]$/.test(run)
        ? /^\/(?:s|h|hr|min|sec|L|mL|cm|m)(?![A-Za-z(])/.exec(
            this.#text.slice(this.#at, this.#at + 5),
          )
        : null;
    const clock = this.#inText ? /^\.m\.?/i.exec(this.#text.slice(this.#at, this.#at + 3)) : null;
    if (clock && /^[ap]$/.test(lower)) {
      this.#at += clock[0].length;
      this.#push('word', `${lower}m`);
    } else if (lower === 'and' || lower === 'or') this.#push('symbol', lower);
    else if (rate) {
      this.#at += rate[0].length;
      this.#push('word', run + rate[0]);
    } else if (
      lower === 'per' &&
      behindValue &&
      /^\s+cent(?![a-z])/.test(this.#text.slice(this.#at, this.#at + 12))
    ) {
      while (isBlank(this.#peek())) this.#at++;
      this.#at += 'cent'.length;
      this.#push('symbol', '%');
    } else if (
      run === 'U' &&
      /^[)\]⦄]$/.test(previous?.text ?? '') &&
      /^\s*(?:\\left\s*)?[([\\]/.test(this.#text.slice(this.#at, this.#at + 12))
    )
      this.#push('symbol', '∪');
    else if (run === 'in' && previous?.kind === 'letter') this.#push('symbol', '∈');
    else if (/^(?:percents?|pct)$/.test(lower) && behindValue) this.#push('symbol', '%');
    else if (/^(?:deg|degrees?)$/.test(lower) && behindValue) this.#push('symbol', '°');
    else if (/^(?:inf|infty|infinity|oo)$/.test(lower)) this.#push('symbol', '∞');
    else if (
      run === 'x' &&
      this.#blank &&
      previous?.kind === 'number' &&
      /^\s+10\s*(?:\^|\*\*|[⁻⁰¹²³⁴-⁹])/.test(this.#text.slice(this.#at, this.#at + 12))
    )
      this.#push('symbol', '*');
    else if (run === 'log' && /^(?:2|10)\(/.test(this.#text.slice(this.#at, this.#at + 3))) {
      this.#push('call', 'log');
      this.#push('symbol', '_');
    } else if (run === 'Matrix' && this.#peek() === '(') return;
    else if (run.length === 1) this.#push('letter', run);
    else if (greek.has(run)) this.#push('letter', run);
    else if (isUnit) this.#push('word', run);
    else if (calls.has(lower) && !onlyCommands.has(lower))
      this.#push('call', calls.get(lower) ?? '');
    else if (isProduct(run) || (run.length === 2 && /^[-+*/]$/.test(previous?.text ?? ''))) {
      for (const letter of run) this.#push('letter', letter);
    } else {
      // `sinx`: the name of a function and one variable.
      const name = calls.get(lower.slice(0, -1));
      if (
        name !== undefined &&
        !onlyCommands.has(name) &&
        /[xyzt]$/.test(run) &&
        lower.length > 2
      ) {
        this.#push('call', name);
        this.#push('letter', run.slice(-1));
      } else this.#push('word', run);
    }
  }

  #command(): void {
    const next = this.#peek(1);
    if (!isLetter(next)) {
      this.#at += 2;
      if (next === '\\') {
        // `\\[2pt]` and `\\*` are row ends with a size.
        this.#push('symbol', this.#aligned > 0 && !this.#inMatrix() ? ',' : '\\\\');
        const size = /^\s*\[[\d.]*\s*(?:pt|em|ex|mm|cm)\]/.exec(
          this.#text.slice(this.#at, this.#at + 16),
        );
        if (size) this.#at += size[0].length;
      } else if (next === '!') {
        this.#thin();
      } else if (next !== '' && ' ,;:>\n\t/'.includes(next)) this.#blank = true;
      else if (next === '(' || next === ')' || next === '[' || next === ']' || next === '')
        this.#blank = true;
      else if (next === '%') this.#push('symbol', '%');
      else if (symbols.has(next)) this.#push('symbol', symbols.get(next) ?? '');
      else if (next === '&' || next === '#' || next === '_') this.#push('symbol', next);
      else throw new NotRead(`\\${next}`);
      return;
    }
    const start = ++this.#at;
    while (isLetter(this.#peek())) this.#at++;
    this.#named(this.#text.slice(start, this.#at));
  }

  /** Reads `\!`. After a comma it means that the comma groups digits. */
  #thin(): void {
    const last = this.tokens.at(-1);
    if (last?.text === ',' && last.kind === 'symbol')
      this.tokens[this.tokens.length - 1] = { ...last, marked: true };
  }

  #named(name: string): void {
    if (blanks.has(name)) {
      this.#blank = true;
      if (/space|skip/.test(name) && this.#peek() === '{') this.#skipArgument();
    } else if (name === 'circ') this.#push('symbol', '°');
    else if (
      name === 'phantom' ||
      name === 'hphantom' ||
      name === 'vphantom' ||
      name === 'label' ||
      name === 'tag' ||
      name === 'color' ||
      name === 'textcolor' ||
      name === 'colorbox'
    ) {
      this.#skipArgument();
      // A phantom is invisible but takes up space.
      this.#blank ||= name.endsWith('phantom');
    } else if (texts.has(name) || styles.has(name)) this.#styled(texts.has(name));
    else if (name === 'mathbb' || name === 'Bbb') this.#board();
    else if (name === 'begin' || name === 'end') this.#environment(name);
    else if (name === 'left' || name === 'right' || name === 'middle') {
      this.#skipBlanks();
      if (this.#peek() === '.') this.#at++;
    } else if (frames.has(name)) this.#framed();
    else if (looks.has(name)) return;
    else if (name === 'not') {
      this.#skipBlanks();
      const from = this.tokens.length;
      if (this.#at >= this.#text.length) throw new NotRead('\\not');
      this.#step();
      const negated = new Map([
        ['=', '≠'],
        ['∈', '∉'],
      ]).get(this.tokens[from]?.text ?? '');
      if (negated === undefined) throw new NotRead('\\not');
      this.tokens.length = from;
      this.#push('symbol', negated);
    } else if (symbols.has(name)) this.#push('symbol', symbols.get(name) ?? '');
    else if (greek.has(name)) this.#push('letter', name);
    else if (variants.has(name)) this.#push('letter', variants.get(name) ?? '');
    else if (commandCalls.has(name)) this.#push('call', commandCalls.get(name) ?? '');
    else if (calls.has(name)) this.#push('call', calls.get(name) ?? '');
    else if (marks.has(name)) this.#push('call', `mark ${name}`);
    else this.#push('letter', `\\${name}`);
  }

  #framed(): void {
    this.#skipBlanks();
    const end = this.#closing.get(this.#at);
    if (end === undefined) return;
    this.#at++;
    this.#run(end);
    this.#at = end + 1;
  }

  #skipArgument(): void {
    this.#skipBlanks();
    const end = this.#closing.get(this.#at);
    this.#at = end === undefined ? this.#at + 1 : end + 1;
  }

  #board(): void {
    this.#skipBlanks();
    const found = /^\{?\s*([A-Z])\s*\}?/.exec(this.#text.slice(this.#at, this.#at + 8));
    if (!found) throw new NotRead('\\mathbb');
    this.#at += found[0].length;
    this.#push('letter', `\\mathbb{${found[1] ?? ''}}`);
  }

  #environment(name: 'begin' | 'end'): void {
    this.#skipBlanks();
    const end = this.#closing.get(this.#at);
    if (end === undefined) throw new NotRead(`\\${name}`);
    const environment = this.#text
      .slice(this.#at + 1, end)
      .trim()
      .replace(/\*$/, '');
    this.#at = end + 1;
    if (alignments.has(environment)) {
      this.#aligned += name === 'begin' ? 1 : -1;
      this.#blank = true;
      return;
    }
    this.#matrices += name === 'begin' ? 1 : -1;
    this.#push(name === 'begin' ? 'begin' : 'close', environment);
    if (name === 'begin' && environment === 'array') {
      // `{cc}`: the alignment of the columns.
      this.#skipBlanks();
      if (this.#peek() === '{') this.#skipArgument();
    }
  }

  /**
   * Reads a text or a style. Letters alone are a name or words; anything else is read as if it
   * stood bare.
   */
  #styled(isText: boolean): void {
    this.#skipBlanks();
    const end = this.#closing.get(this.#at);
    if (end === undefined) {
      if (this.#peek() === '{') throw new NotRead('a brace that never closes');
      return;
    }
    const content = this.#text
      .slice(this.#at + 1, end)
      .replace(/\\(?:left|right)(?![A-Za-z])/g, '');
    const inner = content.trim();
    if (!isText) {
      // `5\,\mathrm{m}`: a letter apart from the value before it is a unit.
      const isUnit = this.#blank && unitLetters.has(inner) && this.#isBehindValue();
      if (!isUnit && !/^[A-Za-z][A-Za-z .]+$/.test(inner)) return;
      this.#at = end + 1;
      this.#words(inner, /^\s/.test(content));
      return;
    }
    if (unitLetters.has(inner) && this.#isBehindValue()) {
      this.#at = end + 1;
      this.#push('text', inner);
      return;
    }
    if (/^[A-Za-z]$/.test(inner) || (/\d/.test(inner) && !/\\[^$%]/.test(inner))) {
      this.#at++;
      this.#blank ||= /^\s/.test(content);
      this.#inText = true;
      this.#run(end);
      this.#inText = false;
      this.#at = end + 1;
      this.#blank = /\s$/.test(content);
      return;
    }
    this.#at = end + 1;
    this.#words(inner, /^\s/.test(content));
    if (/\s$/.test(content)) this.#blank = true;
  }

  /** Reads the words of a text. Commas, "and" and "or" separate the items of a list. */
  #words(content: string, blank: boolean): void {
    this.#blank ||= blank;
    const name = content.toLowerCase();
    if (connectors.has(name)) this.#push('symbol', name === 'or' ? 'or' : 'and');
    else if (this.#isBehindValue() && bareUnits.has(content)) this.#push('text', content);
    else if (calls.has(name) && !onlyCommands.has(name)) this.#push('call', calls.get(name) ?? '');
    else if (/^(?:percents?|per cent|pct\.?)$/.test(name)) this.#push('symbol', '%');
    else if (/^(?:deg\.?|degrees?)$/.test(name)) this.#push('symbol', '°');
    else if (content === '') this.#blank = true;
    else {
      const connectives = content.match(/(?:,|;|(?<=^|\s)(?:and|or)(?=\s|$))/g) ?? [];
      for (const [i, part] of content.split(/,|;|(?<=^|\s)(?:and|or)(?=\s|$)/).entries()) {
        const by = connectives[i - 1];
        if (by !== undefined && this.tokens.at(-1)?.text !== ',')
          this.#push('symbol', by === ';' ? ',' : by);
        const own = part.trim();
        const choice = /^\(?([A-Z])\)?[.:]?$/.exec(own);
        if (choice) {
          this.#push('letter', choice[1] ?? '', { marked: own.startsWith('(') });
        } else if (own !== '') this.#push('text', own);
      }
    }
  }

  #sign(c: string): void {
    this.#at++;
    if (c === '$') return;
    if (c === '*' && this.#peek() === '*') {
      this.#at++;
      this.#push('symbol', '^');
      return;
    }
    if (c === '{' && this.#text.startsWith('{,}', this.#at - 1)) {
      this.#at += 2;
      this.#push('symbol', ',', { marked: true });
      return;
    }
    if (this.#text.startsWith('/-', this.#at) && c === '+') {
      this.#at += 2;
      this.#push('symbol', '±');
      return;
    }
    // `3!=6` means that the factorial is 6; `x!=6` means that x is not 6.
    const isFactorial = c === '!' && this.tokens.at(-1)?.kind === 'number';
    const pair = isFactorial ? c : c + this.#peek();
    const joined = new Map([
      ['<=', '≤'],
      ['=<', '≤'],
      ['>=', '≥'],
      ['=>', '≥'],
      ['!=', '≠'],
      ['==', '='],
      ['<>', '≠'],
      [':=', '='],
      ['->', '→'],
    ]).get(pair);
    if (joined !== undefined) {
      this.#at++;
      this.#push('symbol', joined);
      return;
    }
    if (c === '.' && this.#text.startsWith('..', this.#at)) {
      this.#at += 2;
      this.#push('symbol', '…');
      return;
    }
    // A full stop after a word has no meaning.
    if (c === '.' && this.tokens.at(-1)?.kind === 'word') return;
    if (c === '^') {
      const degree = /^\s*(?:\\circ(?![A-Za-z])|\{\s*\\circ\s*\})/.exec(
        this.#text.slice(this.#at, this.#at + 24),
      );
      const prime = /^\s*(?:\\prime(?![A-Za-z])|\{\s*\\prime\s*\})/.exec(
        this.#text.slice(this.#at, this.#at + 24),
      );
      const found = degree ?? prime;
      if (found) {
        this.#at += found[0].length;
        this.#push('symbol', degree ? '°' : "'");
        return;
      }
    }
    if (c === 'ⁿ') {
      this.#push('symbol', '^');
      this.#push('letter', 'n');
      return;
    }
    if (superscripts.includes(c) || c === '⁻') {
      this.#raised(c, '^', superscripts);
      return;
    }
    if (subscripts.includes(c)) {
      this.#raised(c, '_', subscripts);
      return;
    }
    const parts = fractions.get(c);
    if (parts) {
      this.#push('call', 'frac');
      for (const part of parts) {
        this.#push('symbol', '{');
        this.#push('number', part, { value: { n: BigInt(part), d: 1n }, decimal: false });
        this.#push('symbol', '}');
      }
      return;
    }
    const board = boards.get(c);
    if (board !== undefined) {
      this.#push('letter', `\\mathbb{${board}}`);
      return;
    }
    const greekAt = greekLetters.indexOf(c);
    if (greekAt >= 0) {
      this.#push('letter', greekNames[greekAt] ?? '');
      return;
    }
    const variant = variants.get(c);
    if (variant !== undefined) {
      this.#push('letter', variant);
      return;
    }
    if (c === '√') {
      this.#push('call', 'sqrt');
      return;
    }
    if (c === '∛') {
      this.#push('call', 'cbrt');
      return;
    }
    const command = commandSigns.get(c);
    if (command !== undefined) {
      this.#push('letter', command);
      return;
    }
    if (c === '⊤') {
      this.#push('letter', '\\top');
      return;
    }
    if (
      c === '"' ||
      '“”„`'.includes(c) ||
      c === '\u200b' ||
      c === '\ufeff' ||
      c === '\u200c' ||
      c === '\u200d' ||
      c === '\u2061' ||
      c === '\u2062'
    )
      return;
    const money = currencies.get(c);
    if (money !== undefined) {
      if (money !== 'cents' && !this.#isBehindValue()) this.#push('symbol', '$', { unit: money });
      else this.#push('text', money);
      return;
    }
    // `{}^\circ`: a superscript without a base.
    if (c === '{' && /^\}\s*[\^_]/.test(this.#text.slice(this.#at, this.#at + 8))) {
      this.#at++;
      return;
    }
    if (c === '{' || c === '}') {
      this.#push('symbol', c);
      return;
    }
    const sign = signs.get(c) ?? c;
    if (!ownSigns.has(sign)) {
      if (/\p{L}/u.test(c)) {
        this.#foreignWord(c);
        return;
      }
      throw new NotRead(c);
    }
    if (sign === '&' && this.#aligned > 0 && !this.#inMatrix()) this.#blank = true;
    else this.#push('symbol', sign);
  }

  /** Whether an environment of rows and columns is open. */
  #inMatrix(): boolean {
    return this.#matrices > 0;
  }

  #raised(first: string, operator: string, digits: string): void {
    let text = '';
    for (let c = first; c !== '' && (digits.includes(c) || c === '⁻'); c = this.#peek()) {
      text += c === '⁻' ? '-' : String(digits.indexOf(c));
      if (text.length > 1) this.#at++;
    }
    const negative = text.startsWith('-');
    const number = text.replace('-', '');
    if (!/^\d+$/.test(number)) throw new NotRead('a raised sign');
    this.#push('symbol', operator);
    this.#push('symbol', '{');
    if (negative) this.#push('symbol', '-');
    this.#push('number', number, { value: { n: BigInt(number), d: 1n }, decimal: false });
    this.#push('symbol', '}');
  }

  #foreignWord(first: string): void {
    let text = first;
    while (/\p{L}/u.test(this.#peek())) {
      text += this.#peek();
      this.#at++;
    }
    this.#push('word', text);
  }
}
