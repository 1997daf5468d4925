"""The table: a vector for each word, such that the sum of a text's words points where the teacher points with the text.

It begins with the teacher's vectors of single words, centred, on the principal axes of texts and words together, times
p-weights of smooth inverse frequency (Arora et al., "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", ICLR
2017); then all words are tuned by Adam until sums of them and the teacher's vectors agree, text by text and in how near
texts are to each other.

usage: train.py WORK TABLE     reads WORK/words.txt, words-of-texts.json and blocks/, writes TABLE (see pack)
"""

import argparse
import json
import struct
import time
from pathlib import Path

import numpy as np
from scipy import sparse

SEED = 1
BATCH = 1024
BETAS = (0.9, 0.999)
TEXTS_HELD_OUT = 2000


def blocks(work: Path, kind: str) -> np.ndarray:
    return np.concatenate([np.load(path) for path in sorted(work.glob(f"blocks/{kind}-???.npy"))]).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


def begin(words: np.ndarray, texts: np.ndarray, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """The words' first vectors, and the teacher's of the texts, on the same axes."""
    centred_texts = texts - texts.mean(0)
    centred_words = words - words.mean(0)
    covariance = centred_texts.T @ centred_texts / len(texts) + centred_words.T @ centred_words / len(words)
    variances, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1][:, : options.dimension]
    # An axis has a sign of its own only by chance.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(options.dimension)])
    print("variance kept", round(float(variances[::-1][: options.dimension].sum() / variances.sum()), 3))
    # Zipf's law (with Mandelbrot's shift), as the list says how frequent words are by their order alone.
    frequency = 1 / (np.arange(len(words)) + 2.7)
    frequency /= frequency.sum()
    weight = options.sif / (options.sif + frequency)
    return ((centred_words @ axes) * weight[:, None]).astype(np.float32), unit(centred_texts @ axes).astype(np.float32)


def occurrences(words_of_texts: list[list[int]], words: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(words_of_texts)), [len(each) for each in words_of_texts])
    columns = np.concatenate([np.array(each, np.int64) for each in words_of_texts])
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(words_of_texts), words))


def agreement(table: np.ndarray, counts: sparse.csr_matrix, targets: np.ndarray) -> tuple[float, float]:
    """Mean cosine to the teacher's, and how far the similarities of texts to each other correlate with the teacher's."""
    sums = unit(counts @ table)
    pairs = np.triu_indices(len(sums), 1)
    correlation = np.corrcoef((sums @ sums.T)[pairs], (targets @ targets.T)[pairs])[0, 1]
    return round(float((sums * targets).sum(1).mean()), 4), round(float(correlation), 4)


def tune(table: np.ndarray, counts: sparse.csr_matrix, targets: np.ndarray, options: argparse.Namespace) -> np.ndarray:
    random = np.random.default_rng(SEED)
    order = random.permutation(counts.shape[0])
    held, trained = order[:TEXTS_HELD_OUT], order[TEXTS_HELD_OUT:]
    first = table.copy()
    mean, square = np.zeros_like(table), np.zeros_like(table)
    scale = float(np.linalg.norm(table, axis=1).mean()) / np.sqrt(table.shape[1])
    steps = options.epochs * (len(trained) // BATCH)
    step = 0
    print("before", agreement(table, counts[held], targets[held]))
    started = time.time()
    for epoch in range(options.epochs):
        random.shuffle(trained)
        for start in range(0, len(trained) - BATCH + 1, BATCH):
            batch = trained[start : start + BATCH]
            of_batch, wanted = counts[batch], targets[batch]
            sums = of_batch @ table
            lengths = np.linalg.norm(sums, axis=1, keepdims=True) + 1e-6
            found = sums / lengths
            gradient = -wanted
            if options.similarity > 0:
                difference = found @ found.T - wanted @ wanted.T
                np.fill_diagonal(difference, 0)
                gradient = gradient + options.similarity * 4 * (difference @ found)
            gradient = (gradient - (gradient * found).sum(1, keepdims=True) * found) / lengths / BATCH
            used = np.unique(of_batch.indices)
            of_words = of_batch[:, used].T @ gradient + options.keep * (table[used] - first[used]) / BATCH
            step += 1
            rate = options.rate * scale * min(1, step / 50) * (1 - 0.95 * step / steps)
            mean[used] = BETAS[0] * mean[used] + (1 - BETAS[0]) * of_words
            square[used] = BETAS[1] * square[used] + (1 - BETAS[1]) * of_words**2
            table[used] -= (
                rate * (mean[used] / (1 - BETAS[0] ** step)) / (np.sqrt(square[used] / (1 - BETAS[1] ** step)) + 1e-8)
            )
        if epoch % 2 == 1 or epoch == options.epochs - 1:
            print("epoch", epoch + 1, agreement(table, counts[held], targets[held]), f"{time.time() - started:.0f} s")
    return table


def pack(words: list[str], table: np.ndarray, levels: int) -> bytes:
    """Little-endian: "CMWT", words, dimension, bytes of the words; the words, split by line feeds and filled up to a
    multiple of four with zeros; a scale for each (float32); a row for each (int8, -levels to levels)."""
    scales = (np.abs(table).max(1) / levels).astype("<f4")
    scales[scales == 0] = 1
    rows = np.round(table / scales[:, None]).clip(-levels, levels).astype(np.int8)
    text = "\n".join(words).encode("ascii")
    head = struct.pack("<4sIII", b"CMWT", len(words), table.shape[1], len(text))
    return head + text + b"\0" * (-len(text) % 4) + scales.tobytes() + rows.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--sif", type=float, default=4e-3)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--keep", type=float, default=0.02, help="how much a word is held where it began")
    parser.add_argument("--similarity", type=float, default=0.04, help="how much nearness of texts to each other counts")
    parser.add_argument("--levels", type=int, default=15, help="largest number of a row")
    options = parser.parse_args()
    words = (options.work / "words.txt").read_text("utf8").split("\n")
    words_of_texts = json.loads((options.work / "words-of-texts.json").read_text("utf8"))
    texts = blocks(options.work, "texts")
    table, targets = begin(blocks(options.work, "words"), texts, options)
    counts = occurrences(words_of_texts[: len(texts)], len(words))
    known = np.flatnonzero(np.asarray(counts.sum(1)).ravel() > 0)
    table = tune(table, counts[known], targets[known], options)
    options.table.write_bytes(pack(words, table, options.levels))


if __name__ == "__main__":
    main()
