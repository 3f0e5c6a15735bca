import {
  lookAtVerifier,
  serveVerifierFrames,
  type ChosenVerifier,
} from '../src/entries/browser.ts';
import { isModule } from '../src/index.ts';
import { byId, make, setText } from './dom.ts';
import { formText } from './strings/form.ts';
import { visibleString } from './visible-text.ts';

/** What the select says for a module, whatever its name. */
const MODULE = 'module';

/** The name of code that was pasted, in the config of its run. */
const PASTED = 'pasted.mjs';

/** Sandboxed frames for code that the user chose. */
export const openFrames = (signal: AbortSignal): MessagePort =>
  serveVerifierFrames(new URL('verifier-frame.html', document.baseURI), { signal });

const short = (sha256: string): string => `SHA-256 ${sha256.slice(0, 12)}…`;

/**
 * The choice of what judges responses: a rule, or a module of the user. Code gets here only through
 * a file that the user picks or drops, or through the button beside pasted code: never from a
 * link, a run or a page that was left.
 */
export class VerifierForm {
  readonly #select = byId('verifier', HTMLSelectElement);
  readonly #panel = byId('module', HTMLDivElement);
  readonly #name = byId('module-name', HTMLParagraphElement);
  readonly #problem = byId('module-problem', HTMLParagraphElement);
  readonly #code = byId('module-code', HTMLTextAreaElement);
  readonly #onChange: () => void;
  #module: ChosenVerifier | undefined;
  /** Of the module that is being looked at. */
  #looking: AbortController | undefined;
  #looked = Promise.resolve();

  /** @param onChange Called when another verifier is chosen, or none any more. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    const file = byId('module-file', HTMLInputElement);
    this.#select.addEventListener('input', () => {
      this.#showPanel();
      this.#onChange();
    });
    byId('choose-module', HTMLButtonElement).addEventListener('click', () => file.click());
    file.addEventListener('change', () => {
      const [one] = file.files ?? [];
      if (one) void this.choose(one.name, one);
      file.value = '';
    });
    // What is in the box is then not what was looked at.
    this.#code.addEventListener('input', () => {
      if (this.#module?.name !== PASTED && !this.#looking) return;
      this.#forget(make('span', 'quiet', formText.peek().codeChanged));
    });
    byId('use-module-code', HTMLButtonElement).addEventListener('click', () => {
      void this.choose(PASTED, new Blob([this.#code.value]));
    });
    this.#showPanel();
  }

  /** The verifier as a config names it; undefined while a module is wanted and none is chosen. */
  get chosen(): string | undefined {
    return this.#select.value === MODULE ? this.#module?.name : this.#select.value;
  }

  /** The module that the user has chosen. */
  get module(): ChosenVerifier | undefined {
    return this.#module;
  }

  /** Shows the verifier of a run. The code of a module does not come with a run. */
  show(verifier: string): void {
    this.#select.value = isModule(verifier) ? MODULE : verifier;
    this.#showPanel();
  }

  /** Asks for a module that a link names. What was chosen before is forgotten. */
  ask(name: string): void {
    this.show(name);
    const { linkNames, chooseYourself } = formText.peek();
    this.#forget(
      make('span', '', linkNames, make('strong', '', visibleString(name)), chooseYourself),
    );
  }

  /**
   * Expects that the module is chosen that a run began with.
   *
   * @param sha256 Undefined if the run does not know it: then no module is the same.
   * @throws Error that tells what to choose.
   */
  expect(path: string, sha256: string | undefined): void {
    const module = this.#module;
    if (module && module.sha256 === sha256) return;
    const { otherModule, wantsModule } = formText.peek();
    const began = sha256 === undefined ? undefined : short(sha256);
    throw new Error(
      module
        ? otherModule(path, began, module.name, short(module.sha256))
        : wantsModule(path, began),
    );
  }

  /** Ends once the module that was chosen last has been looked at. */
  get looked(): Promise<void> {
    return this.#looked;
  }

  /** Looks at the code that the user has chosen, and takes it if it can judge. */
  choose(name: string, file: Blob): Promise<void> {
    this.#looked = this.#look(name, file);
    return this.#looked;
  }

  async #look(name: string, file: Blob): Promise<void> {
    this.#select.value = MODULE;
    this.#showPanel();
    this.#forget(make('span', 'quiet', formText.peek().looking(visibleString(name))));
    const looking = (this.#looking = new AbortController());
    let module: ChosenVerifier | undefined;
    let problem = '';
    try {
      if (!isModule(name)) throw new Error(formText.peek().notAModule(name));
      module = await lookAtVerifier(name, file, openFrames(looking.signal));
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    // Something else was chosen meanwhile.
    if (this.#looking !== looking) return;
    this.#forget(make('span', 'quiet none', formText.peek().noModule));
    this.#module = module;
    setText(this.#problem, problem);
    if (module) {
      const facts = formText.peek().moduleFacts(file.size, short(module.sha256));
      this.#name.replaceChildren(make('strong', '', visibleString(name)), facts);
    }
    this.#onChange();
  }

  /** Nothing is chosen any more, for the reason that is shown. */
  #forget(why: HTMLElement): void {
    this.#looking?.abort();
    this.#looking = undefined;
    this.#module = undefined;
    setText(this.#problem, '');
    this.#name.replaceChildren(why);
    this.#onChange();
  }

  #showPanel(): void {
    this.#panel.hidden = this.#select.value !== MODULE;
  }
}
