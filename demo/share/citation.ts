// How to cite what is shown: the paper whose method it is, and this software.

const paper = `@article{li2025limr,
  title = {{LIMR}: Less is More for {RL} Scaling},
  author = {Li, Xuefeng and Zou, Haoyang and Liu, Pengfei},
  journal = {arXiv preprint arXiv:2502.11886},
  year = {2025},
  url = {https://arxiv.org/abs/2502.11886}
}`;

/** @param address Where this page is. */
const software = (address: string): string => `@software{limrlab,
  title = {{LIMR Lab}},
  author = {{LIMR Lab contributors}},
  version = {0.1.0},
  license = {MIT},
  url = {${address.replace(/[{}\\\s]/g, encodeURIComponent)}}
}`;

/** Two entries of BibTeX. */
export const bibtex = (address: string): string => `${paper}\n\n${software(address)}\n`;
