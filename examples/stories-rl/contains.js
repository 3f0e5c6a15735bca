/**
 * A verifier: the response must contain the row's answer as a whole word.
 *
 * @param {string} _prompt
 * @param {string} answer
 * @param {string} response
 */
export default (_prompt, answer, response) => {
  const words = new Set(response.toLowerCase().match(/\p{L}+/gu));
  const correct = words.has(answer);
  return {
    reward: correct ? 1 : -0.5,
    correct,
    formatted: true,
    extracted: correct ? answer : null,
  };
};
