// The overview: seven questions, and what the run that the page shows is about.
import type { JSX } from 'preact';
import {
  estimatorLabel,
  inTableOrder,
  poolPromptsOf,
  startsFromFolder,
  type ExperimentConfig,
  type RunView,
} from '../../../src/index.ts';
import { fixed } from '../../strings/numbers.ts';
import { learnText } from '../../strings/learn.ts';
import { overviewText } from '../../strings/overview.ts';
import { planned, presenting, shownRun, touring } from '../../state/stage.ts';
import { lessons } from '../../state/lessons.ts';
import { Button } from '../../views/markup.tsx';
import { Inspector } from '../../views/inspector.tsx';
import { LessonLink } from './link.tsx';

export function Overview(): JSX.Element {
  const words = learnText.value;
  return (
    <>
      <section aria-labelledby="learn-title">
        <h2 id="learn-title">{words.title}</h2>
        <p class="quiet">{words.lead}</p>
        <p class="lesson-choice">
          <Button id="take-tour" class="primary" onClick={() => (touring.value = 0)}>
            {words.tour}
          </Button>
          <Button id="present" onClick={() => (presenting.value = true)}>
            {words.present}
          </Button>
        </p>
        <ol class="lesson-cards">
          {lessons.map((name, i) => (
            <li key={name}>
              <LessonLink to={name} class="card">
                <span class="number" aria-hidden="true">
                  {i + 1}
                </span>
                <strong>{words.titles[name]}</strong>
                <span class="quiet">{words.teasers[name]}</span>
              </LessonLink>
            </li>
          ))}
        </ol>
      </section>
      <div class="scene">
        <About />
        <div>
          <Inspector name="example" />
        </div>
      </div>
    </>
  );
}

/**
 * What the explanation is about: what the controls ask for if that is anything but the plain preset and
 * nothing was run, else the run that is shown.
 */
function subject(): {
  readonly config: ExperimentConfig | undefined;
  readonly run: RunView | undefined;
  readonly own: boolean;
} {
  const run = shownRun();
  const wish = planned.value;
  if (wish) return { config: wish.config, run: undefined, own: wish.own };
  return { config: run?.config, run, own: run ? startsFromFolder(run.config) : false };
}

function About(): JSX.Element {
  const { config, run, own } = subject();
  const words = overviewText.value;
  const alone = own && !config?.experiment.methods.some((method) => method !== 'full');
  const methods = inTableOrder(config?.experiment.methods ?? ['full', 'lim', 'rand', 'linear']);
  const pool = run && run.pool.length > 0 ? run.pool.length : config && poolPromptsOf(config.task);
  return (
    <section id="about" class="card about" aria-labelledby="about-title">
      <h2 id="about-title">{words.title}</h2>
      <div class="columns">
        <div>
          {own ? (
            <p>
              {words.given(
                config ? estimatorLabel(config.ppo.estimator) : 'GRPO',
                config?.adapter !== undefined || config === undefined,
              )}
            </p>
          ) : (
            <p>
              {words.drawn} <code>7-3*4=</code>. {words.base}
            </p>
          )}
          <p>
            <strong class="line-full">FULL</strong>{' '}
            {words.full(pool, config?.experiment.epochs ?? 5)}{' '}
            <a href="https://arxiv.org/abs/2502.11886">{words.paper}</a>. {words.score}
          </p>
          <Formula />
        </div>
        {alone ? (
          <div>
            <p>{words.alone}</p>
            <p>
              <code>{'{"experiment": {"methods": ["full", "lim", "rand"]}}'}</code>
            </p>
          </div>
        ) : (
          <div>
            <p>{words.again}</p>
            <dl>
              {methods.includes('lim') && (
                <>
                  <dt class="line-lim">LIM</dt>
                  <dd id="lim-rule">{limRule(config, run)}</dd>
                </>
              )}
              {methods.includes('rand') && (
                <>
                  <dt class="line-rand">RAND</dt>
                  <dd>{words.rand}</dd>
                </>
              )}
              {methods.includes('linear') && (
                <>
                  <dt class="line-linear">LINEAR</dt>
                  <dd>{words.linear}</dd>
                </>
              )}
            </dl>
            <p>{words.tested}</p>
            {!own && (
              <>
                <p>
                  <strong>{words.injected}</strong>
                </p>
                <ul>
                  {words.injections.map((text) => (
                    <li key={text}>{text}</li>
                  ))}
                </ul>
              </>
            )}
          </div>
        )}
      </div>
    </section>
  );
}

/** Which prompts LIM keeps, and how many it kept. */
function limRule(config: ExperimentConfig | undefined, run: RunView | undefined): string {
  const words = overviewText.value;
  const { theta = 0.6, count } = config?.lim ?? {};
  const rule = count === undefined ? words.reach(fixed(theta, 1)) : words.highest(count);
  return run?.lim ? `${rule} ${words.kept(run.lim.kept, run.pool.length)}` : rule;
}

/** s_i = 1 − Σ (r − r̄)² ⁄ Σ (1 − r̄)². */
function Formula(): JSX.Element {
  const reward = (
    <msubsup>
      <mi>r</mi>
      <mi>i</mi>
      <mi>k</mi>
    </msubsup>
  );
  const mean = (
    <msup>
      <mover>
        <mi>r</mi>
        <mo>¯</mo>
      </mover>
      <mi>k</mi>
    </msup>
  );
  const sum = (from: JSX.Element, less: JSX.Element): JSX.Element => (
    <mrow>
      <munder>
        <mo>∑</mo>
        <mi>k</mi>
      </munder>
      <msup>
        <mrow>
          <mo>(</mo>
          {from}
          <mo>−</mo>
          {less}
          <mo>)</mo>
        </mrow>
        <mn>2</mn>
      </msup>
    </mrow>
  );
  return (
    <p class="formula">
      <math display="block" aria-label={overviewText.value.formula}>
        <mrow>
          <msub>
            <mi>s</mi>
            <mi>i</mi>
          </msub>
          <mo>=</mo>
          <mn>1</mn>
          <mo>−</mo>
          <mfrac>
            {sum(reward, mean)}
            {sum(<mn>1</mn>, mean)}
          </mfrac>
        </mrow>
      </math>
    </p>
  );
}
