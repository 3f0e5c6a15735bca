import {
  countPrompts,
  lookAtModel,
  type ChosenModel,
  type KeptModel,
  type KeptModels,
} from '../src/entries/browser.ts';
import {
  datasetTask,
  defaultAdapter,
  modulesOf,
  pretrained,
  usualLengths,
  type ExperimentConfig,
  type RunInputs,
} from '../src/index.ts';
import { byId, make, setText } from './dom.ts';
import { ownFiles, pickedFolder } from './dropped.ts';
import type { Given } from './link.ts';
import { formText } from './strings/form.ts';
import { bytes } from './strings/numbers.ts';
import { VerifierForm } from './verifier-form.ts';
import { visibleString } from './visible-text.ts';

/** A model folder that is chosen, and what was found in it. */
interface Model {
  readonly seen: ChosenModel;
  readonly files: ReadonlyMap<string, Blob>;
}

/** A file of prompts that is chosen. */
interface Prompts {
  readonly name: string;
  readonly file: Blob;
  readonly rows: number;
}

/** The largest rollout that the preset makes, and the updates that it makes of one. */
const most = { prompts: 16, minibatches: 4 } as const;

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The form of a run that starts from a model and prompts of the user's own. */
export class PretrainedForm {
  readonly #panel = byId('pretrained', HTMLFieldSetElement);
  /** A folder that was chosen is being taken. */
  #taken: Promise<unknown> = Promise.resolve();
  readonly #verifier: VerifierForm;
  readonly #trained = byId('trained', HTMLSelectElement);
  readonly #rank = byId('rank', HTMLInputElement);
  readonly #storage = byId('base-storage', HTMLSelectElement);
  readonly #budget = byId('budget', HTMLInputElement);
  readonly #promptTokens = byId('prompt-tokens', HTMLInputElement);
  readonly #responseTokens = byId('response-tokens', HTMLInputElement);
  /** Lengths that are the user's, or a run's, and not the page's. */
  readonly #typed = new Set<HTMLInputElement>();
  readonly #keep = byId('keep-model', HTMLButtonElement);
  readonly #onChange: () => void;
  #model: Model | undefined;
  #prompts: Prompts | undefined;
  #kept: KeptModels | undefined;
  #keeping: AbortController | undefined;
  /** Counts choices: what an earlier one finds is not shown over a later one. */
  #choices = { model: 0, prompts: 0 };

  /** @param onChange Called when the form means another run. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#verifier = new VerifierForm(onChange);
    const modelFiles = byId('model-files', HTMLInputElement);
    const promptsFile = byId('prompts-file', HTMLInputElement);
    byId('choose-model', HTMLButtonElement).addEventListener('click', () => modelFiles.click());
    byId('choose-prompts', HTMLButtonElement).addEventListener('click', () => promptsFile.click());
    modelFiles.addEventListener('change', () => {
      this.#taken = this.#pickModel(modelFiles.files).finally(() => (modelFiles.value = ''));
    });
    promptsFile.addEventListener('change', () => {
      const [file] = promptsFile.files ?? [];
      if (file) void this.choosePrompts(file.name, file);
      promptsFile.value = '';
    });
    this.#trained.addEventListener('input', () => {
      this.#storage.value = pretrained[this.#isFull ? 'full' : 'lora'].weightStorage ?? 'f32';
      this.#showRank();
      this.#onChange();
    });
    const tokens = [this.#promptTokens, this.#responseTokens];
    for (const field of tokens) field.addEventListener('input', () => this.#typed.add(field));
    for (const field of [this.#rank, this.#storage, this.#budget, ...tokens]) {
      field.addEventListener('input', this.#onChange);
    }
    this.#keep.addEventListener('click', () => void this.#keepModel());
    byId('cancel-keeping', HTMLButtonElement).addEventListener('click', () =>
      this.#keeping?.abort(new Error('cancelled')),
    );
  }

  set shown(shown: boolean) {
    this.#panel.hidden = !shown;
  }

  set disabled(disabled: boolean) {
    this.#panel.disabled = disabled;
  }

  /** What is chosen; undefined while the model, the prompts or a verifier module are missing. */
  get given(): Given | undefined {
    const [model, prompts, verifier] = [this.#model, this.#prompts, this.#verifier.chosen];
    if (!model || !prompts || verifier === undefined) return undefined;
    const rollout = Math.min(most.prompts, prompts.rows);
    return {
      model: model.seen,
      prompts: prompts.rows,
      memory: Math.round(this.#budget.valueAsNumber * 2 ** 30),
      settings: {
        model: { kind: 'folder', path: model.seen.name },
        task: {
          name: datasetTask,
          prompts: prompts.name,
          verifier,
          maxPromptTokens: this.#promptTokens.valueAsNumber,
          maxResponseTokens: this.#responseTokens.valueAsNumber,
        },
        adapter: this.#isFull ? null : { ...defaultAdapter, rank: this.#rank.valueAsNumber },
        weightStorage: this.#storage.value,
        ...(rollout < most.prompts
          ? {
              rollout: { prompts: rollout },
              ppo: { minibatches: divisorUpTo(rollout, most.minibatches) },
            }
          : {}),
      },
    };
  }

  /** What the form still needs, as a sentence. */
  get missing(): string {
    const { missing } = formText.peek();
    return missing(!this.#model, !this.#prompts, this.#verifier.chosen === undefined);
  }

  /**
   * The files of a run, by their paths in its config; those of the task may be kept with the run. Of
   * a verifier module, the code is that which the user has chosen here, or is missing.
   */
  async filesOf(
    config: ExperimentConfig,
    keptWithRun: ReadonlyMap<string, Blob> = new Map(),
  ): Promise<ReadonlyMap<string, Blob> | undefined> {
    if (config.model.kind !== 'folder') return undefined;
    const { path } = config.model;
    const files = new Map<string, Blob>(keptWithRun);
    const model =
      this.#model?.seen.name === path ? this.#model.files : await this.#kept?.files(path);
    if (!model) return undefined;
    for (const [name, file] of model) files.set(`${path}/${name}`, file);
    const { task } = config;
    const prompts = this.#prompts;
    if (prompts && task.name === datasetTask && task.prompts === prompts.name) {
      if (!files.has(prompts.name)) files.set(prompts.name, prompts.file);
    }
    for (const module of modulesOf(task)) {
      const code = this.#verifier.module?.file;
      if (code) files.set(module, code);
      else files.delete(module);
    }
    return files;
  }

  /** Shows the settings of a run. A model that the browser keeps is chosen again. */
  fill(config: ExperimentConfig, memory: number | undefined): void {
    const { task, adapter, weightStorage, model } = config;
    if (task.name !== datasetTask || model.kind !== 'folder') return;
    this.#verifier.show(task.verifier ?? 'math');
    this.#trained.value = adapter ? 'lora' : 'full';
    if (adapter) this.#rank.value = String(adapter.rank);
    this.#showRank();
    this.#storage.value = weightStorage ?? 'f32';
    if (memory !== undefined) this.#budget.value = String(memory / 2 ** 30);
    this.#promptTokens.value = String(task.maxPromptTokens);
    this.#responseTokens.value = String(task.maxResponseTokens);
    this.#typed.add(this.#promptTokens).add(this.#responseTokens);
    this.#onChange();
  }

  /** Ends once everything that was chosen has been looked at. */
  async settled(): Promise<void> {
    await this.#taken;
    await this.#verifier.looked;
  }

  /** A link names this module, whose code does not come with it: its user has to choose one. */
  askForModule(name: string): void {
    this.#verifier.ask(name);
  }

  /**
   * Expects that the user has chosen the module with which a run began.
   *
   * @throws Error that asks for it.
   */
  expectModule({ task }: ExperimentConfig, { inputs }: RunInputs): void {
    for (const module of modulesOf(task)) {
      const began = inputs.find(({ path }) => path === module);
      this.#verifier.expect(module, began?.sha256);
    }
  }

  /** @param kept Undefined if the browser keeps no files for this page. */
  async useKept(kept: KeptModels | undefined): Promise<void> {
    this.#kept = kept;
    await this.#listKept();
  }

  // ---- what is chosen ------------------------------------------------------------------------

  async #pickModel(list: FileList | null): Promise<void> {
    try {
      const folder = list && pickedFolder(list);
      if (folder?.kind === 'folder') await this.chooseModel(folder.name, ownFiles(folder.files));
    } catch (error) {
      setText(byId('model-problem', HTMLParagraphElement), words(error));
    }
  }

  /** Looks at the code that the user has chosen, and takes it if it can judge. */
  chooseModule(file: File): Promise<void> {
    return this.#verifier.choose(file.name, file);
  }

  /** Looks at the files of a model that the user has chosen, and takes it if it can be trained. */
  async chooseModel(name: string, files: ReadonlyMap<string, Blob>): Promise<void> {
    const choice = ++this.#choices.model;
    const problem = byId('model-problem', HTMLParagraphElement);
    setText(problem, '');
    let model: Model | undefined;
    try {
      model = { seen: await lookAtModel(name, files), files };
    } catch (error) {
      if (choice === this.#choices.model) setText(problem, words(error));
    }
    if (choice !== this.#choices.model) return;
    this.#model = model;
    const text = byId('model-name', HTMLParagraphElement);
    if (model) {
      const { parameters, size, config } = model.seen;
      const facts = formText.peek().modelFacts(parameters, size, config.maxPositions);
      text.replaceChildren(make('strong', '', visibleString(name)), facts);
      this.#fitTokens(config.maxPositions);
    } else text.replaceChildren(make('span', 'quiet none', formText.peek().noModel));
    this.#keep.disabled = !model || !this.#kept || this.#keeping !== undefined;
    this.#onChange();
  }

  get #isFull(): boolean {
    return this.#trained.value === 'full';
  }

  #showRank(): void {
    this.#rank.disabled = this.#isFull;
  }

  /**
   * Lengths that the model has room for. What the user has typed, or is about to type, stays: a model
   * is still being looked at meanwhile.
   */
  #fitTokens(room: number): void {
    const own = (field: HTMLInputElement): boolean =>
      this.#typed.has(field) || document.activeElement === field;
    const given = (field: HTMLInputElement): number | undefined =>
      own(field) ? field.valueAsNumber : undefined;
    const { prompt, response } = usualLengths(room, {
      prompt: given(this.#promptTokens),
      response: given(this.#responseTokens),
    });
    if (!own(this.#promptTokens)) this.#promptTokens.value = String(prompt);
    if (!own(this.#responseTokens)) this.#responseTokens.value = String(response);
  }

  /** Reads a file of prompts that the user has chosen, and takes it if every row can be trained on. */
  async choosePrompts(name: string, file: Blob): Promise<void> {
    const choice = ++this.#choices.prompts;
    const problem = byId('prompts-problem', HTMLParagraphElement);
    setText(problem, '');
    let prompts: Prompts | undefined;
    try {
      prompts = { name, file, rows: await countPrompts(name, file) };
    } catch (error) {
      if (choice === this.#choices.prompts) setText(problem, words(error));
    }
    if (choice !== this.#choices.prompts) return;
    this.#prompts = prompts;
    byId('prompts-name', HTMLParagraphElement).replaceChildren(
      ...(prompts
        ? [make('strong', '', visibleString(name)), formText.peek().rows(prompts.rows)]
        : [make('span', 'quiet none', formText.peek().noPrompts)]),
    );
    this.#onChange();
  }

  // ---- kept models ---------------------------------------------------------------------------

  async #keepModel(): Promise<void> {
    const [model, kept] = [this.#model, this.#kept];
    if (!model || !kept || this.#keeping) return;
    const { name, size } = model.seen;
    const problem = byId('model-problem', HTMLParagraphElement);
    const text = byId('keeping-text', HTMLParagraphElement);
    const bar = byId('keeping-progress', HTMLProgressElement);
    const panel = byId('keeping', HTMLDivElement);
    setText(problem, '');
    this.#keeping = new AbortController();
    this.#keep.disabled = true;
    panel.hidden = false;
    try {
      await kept.keep(name, model.files, {
        signal: this.#keeping.signal,
        tell: (copied) => {
          bar.value = copied / size;
          setText(text, formText.peek().keptPart(copied, size));
        },
      });
    } catch (error) {
      if (!this.#keeping.signal.aborted) setText(problem, words(error));
    }
    this.#keeping = undefined;
    panel.hidden = true;
    this.#keep.disabled = this.#model === undefined;
    await this.#listKept();
    this.#keep.focus();
  }

  async #listKept(): Promise<void> {
    let models: readonly KeptModel[] = [];
    try {
      models = (await this.#kept?.list()) ?? [];
    } catch (error) {
      setText(byId('model-problem', HTMLParagraphElement), words(error));
    }
    byId('kept-models', HTMLDivElement).hidden = models.length === 0;
    byId('kept-models-list', HTMLUListElement).replaceChildren(
      ...models.map((model) => this.#keptRow(model)),
    );
    this.#keep.disabled = !this.#model || !this.#kept || this.#keeping !== undefined;
  }

  #keptRow({ name, size }: KeptModel): HTMLLIElement {
    const shown = visibleString(name);
    const told = formText.peek();
    const button = (label: string, name: string, act: () => Promise<void>): HTMLButtonElement => {
      const one = make('button', '', label);
      one.type = 'button';
      one.ariaLabel = name;
      one.addEventListener('click', () => void act());
      return one;
    };
    return make(
      'li',
      '',
      make('p', '', make('strong', '', shown), make('span', 'quiet', ` · ${bytes(size)}`)),
      make(
        'div',
        'buttons',
        button(told.use, told.useKept(shown), async () => {
          const files = await this.#kept?.files(name);
          if (files) await this.chooseModel(name, files);
        }),
        button(told.remove, told.removeKept(shown), async () => {
          if (!window.confirm(told.confirmRemove(shown))) return;
          try {
            await this.#kept?.remove(name);
          } catch (error) {
            setText(byId('model-problem', HTMLParagraphElement), words(error));
          }
          await this.#listKept();
          byId('choose-model', HTMLButtonElement).focus();
        }),
      ),
    );
  }
}

/** The largest divisor of `number` that is at most `most`. */
function divisorUpTo(number: number, most: number): number {
  let divisor = Math.min(number, most);
  while (number % divisor !== 0) divisor--;
  return divisor;
}
