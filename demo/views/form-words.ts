// The words of the form of a new run, whose fields stand in the page's own markup.
import { effect } from '@preact/signals';
import { formText, type FormText } from '../strings/form.ts';

type Word = readonly [selector: string, word: (text: FormText) => string];

const texts: readonly Word[] = [
  ['#new-run-title', (text) => text.title],
  ['label:has(> #preset) > span', (text) => text.preset],
  ['#preset option[value="pretrained"]', (text) => text.ownModel],
  ['label:has(> #seed) > span', (text) => text.seed],
  ['#start', (text) => text.start],
  ['#seed-hint', (text) => text.seedHint],
  ['#pretrained > legend', (text) => text.own],
  ['#pretrained > .hint', (text) => text.ownHint],
  ['#model-name > .none', (text) => text.noModel],
  ['#choose-model', (text) => text.chooseModel],
  ['#keep-model', (text) => text.keepModel],
  ['#cancel-keeping', (text) => text.cancel],
  ['#kept-models-title', (text) => text.keptHere],
  ['#prompts-name > .none', (text) => text.noPrompts],
  ['#choose-prompts', (text) => text.choosePrompts],
  ['label:has(> #verifier) > span', (text) => text.verifier],
  ['#verifier option[value="module"]', (text) => text.ownModule],
  ['label:has(> #trained) > span', (text) => text.trained],
  ['#trained option[value="lora"]', (text) => text.lora],
  ['#trained option[value="full"]', (text) => text.full],
  ['label:has(> #rank) > span', (text) => text.rank],
  ['label:has(> #base-storage) > span', (text) => text.storage],
  ['label:has(> #budget) > span', (text) => text.budget],
  ['label:has(> #prompt-tokens) > span', (text) => text.promptTokens],
  ['label:has(> #response-tokens) > span', (text) => text.responseTokens],
  ['#module-limits', (text) => text.moduleLimits],
  ['#module-name > .none', (text) => text.noModule],
  ['#choose-module', (text) => text.chooseModule],
  ['label:has(> #module-code) > span', (text) => text.pasteCode],
  ['#use-module-code', (text) => text.useCode],
  ['#settings > summary', (text) => text.settings],
  ['label:has(> #overrides) > span', (text) => text.json],
];

const names: readonly Word[] = [
  ['.buttons:has(> #start)', (text) => text.title],
  ['.buttons:has(> #choose-model)', (text) => text.model],
  ['#keeping-progress', (text) => text.keeping],
  ['#module-file', (text) => text.moduleFile],
  ['#model-files', (text) => text.modelFolder],
  ['#prompts-file', (text) => text.promptsFile],
];

/** Keeps the form in the page's language. Called once. */
export function fillForm(form: HTMLElement): void {
  effect(() => {
    const text = formText.value;
    for (const [selector, word] of texts) {
      // What was chosen stands in place of a sentence that nothing is.
      for (const element of form.querySelectorAll(selector)) element.textContent = word(text);
    }
    for (const [selector, word] of names) {
      for (const element of form.querySelectorAll(selector)) element.ariaLabel = word(text);
    }
  });
}
