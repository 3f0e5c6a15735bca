// Ways of using the page: keyboard alone, forced colours, reduced motion, twice the size.
import { expect, test, type Page } from 'playwright/test';
import { expectNoSidewaysScroll, seriousFaults, toRoom } from '../e2e/page.ts';
import { open, settled, states, type PageState } from './states.ts';

const stateOf = (name: string): PageState => {
  const found = states.find((one) => one.name === name);
  if (!found) throw new RangeError(`no state '${name}'`);
  return found;
};

const rooms = ['run', 'prompts', 'compare', 'learn', 'data'] as const;

interface Stop {
  readonly what: string;
  /** Whether a pointer hits something else at its middle: a bar lies over it. */
  readonly covered: boolean;
  readonly outlined: boolean;
}

/** The element with the focus; undefined where none has it. */
const stopNow = (page: Page): Promise<Stop | undefined> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return undefined;
    const { left, top, width, height } = element.getBoundingClientRect();
    const hit = document.elementFromPoint(
      Math.min(innerWidth - 1, Math.max(0, left + width / 2)),
      Math.min(innerHeight - 1, Math.max(0, top + Math.min(height, 40) / 2)),
    );
    const label = element.closest('label') ?? element;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return {
      what: `${element.tagName.toLowerCase()}#${element.id} ${element.getAttribute('aria-label') ?? element.textContent.slice(0, 40)}`,
      covered: !hit || !(label.contains(hit) || hit.contains(element)),
      outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    };
  });

for (const width of [390, 1400]) {
  for (const room of rooms) {
    test(`Tab goes through ${room} at ${width} px, and what has the focus is seen`, async ({
      page,
    }) => {
      await page.setViewportSize({ width, height: 844 });
      await open(page, stateOf('act-3'), { lang: 'en' });
      await toRoom(page, room);
      await page.locator('.skip').focus();
      const stops: Stop[] = [];
      for (let presses = 0; presses < 200; presses++) {
        await page.keyboard.press('Tab');
        const stop = await stopNow(page);
        if (!stop) break;
        stops.push(stop);
      }
      expect(stops.length).toBeGreaterThan(8);
      expect(stops.length).toBeLessThan(200);
      expect(stops.filter(({ covered }) => covered).map(({ what }) => what)).toEqual([]);
      expect(stops.filter(({ outlined }) => !outlined).map(({ what }) => what)).toEqual([]);
    });
  }

  test(`every target in every room is 24 px or has room around it, at ${width} px`, async ({
    page,
  }) => {
    await page.setViewportSize({ width, height: 844 });
    await open(page, stateOf('act-3'), { lang: 'en' });
    for (const room of rooms) {
      await toRoom(page, room);
      const small = await page.evaluate(() => {
        const boxes = [
          ...document.querySelectorAll('button, select, input, summary, textarea, a[href]'),
        ].flatMap((element) => {
          const { left, top, width, height } = element.getBoundingClientRect();
          // Links within a sentence may be as low as its lines.
          const inText = element.matches('p a, p button.link, li a, .skip');
          const seen = element.checkVisibility({ visibilityProperty: true }) && width > 1;
          return seen && !inText ? [{ element, left, top, width, height }] : [];
        });
        return boxes
          .filter(({ width, height }) => width < 24 || height < 24)
          .filter(({ element, left, top, width, height }) => {
            // A circle of 24 px around the middle of a small target may meet no other target.
            const [x, y] = [left + width / 2, top + height / 2];
            return boxes.some(
              (other) =>
                other.element !== element &&
                Math.hypot(
                  Math.max(other.left - x, 0, x - other.left - other.width),
                  Math.max(other.top - y, 0, y - other.top - other.height),
                ) < 12,
            );
          })
          .map(({ element }) => element.outerHTML.slice(0, 120));
      });
      expect(small, room).toEqual([]);
    }
  });
}

test('each act does what its title says, by keyboard alone', async ({ page }) => {
  await open(page, stateOf('act-1'), { lang: 'en' });
  await expect(page.locator('.problem-stage .step').first()).toContainText(/= \d/);
  await page.keyboard.press('2');
  await page.locator('#stage-matrix').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('#inspector .own-dot').first()).toBeVisible();
  await page.keyboard.press('3');
  await page.locator('#stage-matrix').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Tab');
  await expect(page.locator('#inspector')).toContainText('kept by LIM');
  await page.locator('#inspector .score summary').focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('#inspector .score table')).toBeVisible();
  await page.keyboard.press('4');
  await expect(page.locator('.race svg')).toBeVisible();
  await page.keyboard.press('5');
  await expect(page.locator('.finding-stage .verdict')).toBeVisible();
  await page.locator('#film').focus();
  await page.keyboard.press('ArrowLeft');
  await expect(page.locator('#film')).toBeFocused();
  await expect(page.locator('.acts .now')).toHaveCount(1);
});

test('forced colours leave every room readable', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, stateOf('act-3'), { lang: 'en' });
  for (const room of rooms) {
    await toRoom(page, room);
    expect(await seriousFaults(page), room).toEqual([]);
  }
  await toRoom(page, 'run');
  // What is chosen is told by more than a colour that is not there.
  await expect(page.locator('.acts .now .number')).toHaveCSS('outline-style', 'solid');
  await expect(page.locator('.acts .now progress')).toHaveCSS('border-style', 'solid');
});

for (const how of ['the browser', 'the address'] as const) {
  test(`nothing moves where ${how} asks for that`, async ({ page }) => {
    if (how === 'the browser') await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(how === 'the browser' ? '#/run' : '#/run?motion=0');
    await settled(page);
    const place = await page.locator('#film').inputValue();
    for (const act of ['1', '2', '3', '4', '5']) {
      await page.keyboard.press(act);
      await page.locator('.acts .now .number', { hasText: act }).waitFor();
      const moving = await page.evaluate(() =>
        document.getAnimations().map((one) => (one as CSSAnimation).animationName),
      );
      expect(moving, `act ${act}`).toEqual([]);
    }
    await page.keyboard.press('2');
    expect(place).not.toBe('0');
    const held = await page.locator('#film').inputValue();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    expect(await page.locator('#film').inputValue()).toBe(held);
  });
}

test('twice the size needs no sideways scroll, in every room', async ({ browser }) => {
  // A window of 1280 px at 200 % has 640 px of CSS; one of 1280 px at 400 % has 320.
  for (const [width, height, deviceScaleFactor] of [
    [640, 512, 2],
    [320, 256, 4],
  ] as const) {
    const context = await browser.newContext({
      viewport: { width, height },
      deviceScaleFactor,
      baseURL: test.info().project.use.baseURL ?? '',
    });
    const page = await context.newPage();
    await open(page, stateOf('act-5'), { lang: 'de' });
    for (const room of rooms) {
      await page.goto(`#/${room}?motion=0&lang=de`);
      await expect(page.locator('body')).toHaveAttribute('data-room', room);
      await expectNoSidewaysScroll(page);
    }
    await context.close();
  }
});

test('text can be spaced as WCAG 1.4.12 says, and nothing is cut', async ({ page }) => {
  await open(page, stateOf('act-5'), { lang: 'de' });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => {
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      element.style.lineHeight = '1.5';
      element.style.letterSpacing = '0.12em';
      element.style.wordSpacing = '0.16em';
    }
  });
  await expectNoSidewaysScroll(page);
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('main p, main h2, main button, main summary')]
      .filter((element) => element.checkVisibility())
      .filter((element) => {
        const { overflowX, overflowY } = getComputedStyle(element);
        const hides = [overflowX, overflowY].some((one) => one === 'hidden' || one === 'clip');
        const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
        return (
          hides &&
          !element.classList.contains('visually-hidden') &&
          (scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1)
        );
      })
      .map((element) => element.outerHTML.slice(0, 100)),
  );
  expect(cut).toEqual([]);
});
