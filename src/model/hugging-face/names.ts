import type { Architecture } from '../config.ts';

/** The parameters of a model outside its layers, by the names that the layout gives their parts. */
const ofModel = {
  embed: 'model.embed_tokens.weight',
  norm: 'model.norm.weight',
  lm_head: 'lm_head.weight',
  score: 'score.weight',
} as const;

/** The parameters of one layer, behind `model.layers.N.`. */
const ofLayer = {
  input_norm: 'input_layernorm.weight',
  q: 'self_attn.q_proj.weight',
  k: 'self_attn.k_proj.weight',
  v: 'self_attn.v_proj.weight',
  q_bias: 'self_attn.q_proj.bias',
  k_bias: 'self_attn.k_proj.bias',
  v_bias: 'self_attn.v_proj.bias',
  q_norm: 'self_attn.q_norm.weight',
  k_norm: 'self_attn.k_norm.weight',
  o: 'self_attn.o_proj.weight',
  post_norm: 'post_attention_layernorm.weight',
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  down: 'mlp.down_proj.weight',
} as const;

type Names = Readonly<Record<'ofModel' | 'ofLayer', Readonly<Record<string, string>>>>;

const llama: Names = { ofModel, ofLayer };

/** Gemma's norm after attention has the name of Llama's before the MLP. */
const gemma: Names = {
  ofModel,
  ofLayer: {
    ...ofLayer,
    attention_out_norm: 'post_attention_layernorm.weight',
    post_norm: 'pre_feedforward_layernorm.weight',
    mlp_out_norm: 'post_feedforward_layernorm.weight',
  },
};

/** Qwen2 and Qwen3 name their parameters as Llama does, and add biases and head norms. */
const names: Readonly<Record<Architecture, Names>> = {
  llama,
  qwen2: llama,
  qwen3: llama,
  gemma3_text: gemma,
};

/**
 * The name that a parameter has in files of Hugging Face models, in checkpoints and in messages.
 *
 * @param part The parameter's name in the layout, such as `layers.0.q`.
 * @throws RangeError when the architecture has no such parameter.
 */
export function hfName(architecture: Architecture, part: string): string {
  const [, layer, own = part] = /^layers\.(\d+)\.(\w+)$/.exec(part) ?? [];
  const table = names[architecture][layer === undefined ? 'ofModel' : 'ofLayer'];
  const found = Object.hasOwn(table, own) ? table[own] : undefined;
  if (found === undefined) throw new RangeError(`${architecture} has no parameter '${part}'`);
  return layer === undefined ? found : `model.layers.${layer}.${found}`;
}

/**
 * The name that PEFT gives a factor of an adapter in files: A is (rank, inputs), B (outputs, rank).
 *
 * @param part The adapted part's name in the layout, such as `layers.0.q`.
 * @param factor Left out: the part itself, which PEFT saves whole, such as the critic's `score`.
 * @throws RangeError when the architecture has no such part.
 */
export function peftName(architecture: Architecture, part: string, factor?: 'A' | 'B'): string {
  const name = `base_model.model.${hfName(architecture, part)}`;
  return factor === undefined ? name : name.replace(/\.weight$/, `.lora_${factor}.weight`);
}

/** Whether a tensor, found in older files, only repeats what the config says. */
export const isRedundant = (name: string): boolean => /\.rotary_emb\.inv_freq$/.test(name);

/**
 * Whether a tensor is the head of a critic or reward model, as TRL, OpenRLHF and transformers name
 * it.
 */
export const isValueHead = (name: string): boolean =>
  /^(?:v_head|value_head|critic_head|reward_head|score|classifier)\./.test(name);

/** Parts of names that torch.compile, DDP, FSDP and TRL's value heads put around a model's own. */
const wrappers = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;

/** A tensor's name without what a wrapper added to it. */
export const unwrappedName = (name: string): string =>
  name
    .replace(wrappers, '$1')
    .replace(/\.{2,}/g, '.')
    .replace(/^(?:\.|module\.|pretrained_model\.)+/, '');
